// What the BPF programs have counted in hash maps, read by target and taken out of them again.
#ifndef SYSIEVE_BPF_AGGREGATES_H_
#define SYSIEVE_BPF_AGGREGATES_H_

#include <cstdint>
#include <map>

#include "bpf/shared.h"
#include "core/tracer.h"

struct bpf_object;

namespace sysieve {

Phase PhaseOf(uint32_t slot);

class Aggregates {
 public:
  // Where the part of one group goes, and what its times count from (CLOCK_MONOTONIC, ns).
  struct Share {
    Observation* out;
    uint64_t since_ns;
  };

  void Open(bpf_object* object);
  // How many arguments are kept of a tracked call; x32 shares those of x86_64.
  void Track(Abi abi, uint32_t number, size_t arguments);

  // Appends to the observation of each group its executables, calls, denied calls and tuples. A
  // walk that meets an insertion still sees all older entries: those of a group that lives may be
  // read at any time.
  void Read(const std::map<uint32_t, Share>& groups) { Walk(groups, false); }
  // The same, and takes them out: for groups that nothing is counted for any more.
  void Take(const std::map<uint32_t, Share>& groups) { Walk(groups, true); }

 private:
  void Walk(const std::map<uint32_t, Share>& groups, bool erase);

  int other_calls_ = -1;
  int denied_calls_ = -1;
  int tuples_ = -1;
  int tuple_overflow_ = -1;
  int slot_by_path_ = -1;
  std::map<uint32_t, size_t> arguments_;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_AGGREGATES_H_
