// What a file's functions lead to: the calls they make by themselves, the functions and imports
// they refer to, and what could not be resolved.
#ifndef SYSIEVE_REACH_SCAN_H_
#define SYSIEVE_REACH_SCAN_H_

#include <string>

#include "reach/elf.h"

namespace sysieve::reach {

// One line of JSON; src/reach/types.ts describes it.
std::string Scan(const Elf& elf);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_SCAN_H_
