// Sessions that outlive their process: what a tracer consists of, pinned in a directory of bpffs.
#ifndef SYSIEVE_BPF_PINNED_H_
#define SYSIEVE_BPF_PINNED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/status.h"

struct bpf_map;
struct bpf_object;

namespace sysieve {

// Raised when the meaning of a map's contents changes and its size does not.
constexpr uint32_t kPinnedVersion = 1;

// What the tracer knows beside its maps; lies in a map of its own.
struct PinnedState {
  uint64_t layout;
  uint64_t start_ns;  // CLOCK_MONOTONIC
  uint64_t end_ns;    // 0: still attached
  uint64_t denied_since_ns;
  uint64_t missed_alone;
  uint32_t typed;
  uint32_t preemptible;
  uint32_t denied_from_start;
  uint32_t gaps;  // of the scan: see ebpf_tracer.cc
};

// Kernel memory in bytes: taken now, and with every map full.
struct KernelMemory {
  uint64_t bytes = 0;
  uint64_t most = 0;
};

// A number that differs where this sysieve would misread the maps: of names, kinds and sizes.
uint64_t PinnedLayout(const bpf_object* object);

// A file's path; bpffs reserves dots in names.
std::string PinPath(const std::string& directory, const char* kind, const std::string& name);
Status PinAs(int fd, const std::string& path);
Status OpenPin(const std::string& path, UniqueFd* out);
// The same for a map that must be as `map`, which is then used instead of it.
Status ReusePinnedMap(const std::string& directory, bpf_map* map);

Status PinState(const std::string& directory, const PinnedState& state, UniqueFd* out);
Status ReadPinnedState(const std::string& directory, PinnedState* state, UniqueFd* out);
Status WritePinnedState(int fd, const PinnedState& state);

// Unpins links, some of which may not be there, and returns when the kernel has detached their
// programs, or after two seconds.
void DetachPinnedLinks(const std::vector<std::string>& paths);

// Adds a map's or a program's.
void AddKernelMemory(int fd, KernelMemory* memory);

}  // namespace sysieve

#endif  // SYSIEVE_BPF_PINNED_H_
