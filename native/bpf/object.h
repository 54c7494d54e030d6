#ifndef SYSIEVE_BPF_OBJECT_H_
#define SYSIEVE_BPF_OBJECT_H_

#include <span>

namespace sysieve {

// The compiled BPF object, as an ELF image in memory.
std::span<const char> BpfObject();

}  // namespace sysieve

#endif  // SYSIEVE_BPF_OBJECT_H_
