#include "bpf/object.h"

#include "sysieve_bpf_object.h"

// The assembler copies the compiled object in: no run-time path, no generated C array.
asm(".section .rodata\n"
    ".balign 8\n"
    ".global sysieve_bpf_object\n"
    ".hidden sysieve_bpf_object\n"
    "sysieve_bpf_object:\n"
    ".incbin \"" SYSIEVE_BPF_OBJECT
    "\"\n"
    ".global sysieve_bpf_object_end\n"
    ".hidden sysieve_bpf_object_end\n"
    "sysieve_bpf_object_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" const char sysieve_bpf_object[];
extern "C" const char sysieve_bpf_object_end[];

namespace sysieve {

std::span<const char> BpfObject() {
  return {sysieve_bpf_object, static_cast<size_t>(sysieve_bpf_object_end - sysieve_bpf_object)};
}

}  // namespace sysieve
