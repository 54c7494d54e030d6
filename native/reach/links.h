// What the functions of a file lead to: the calls they make by themselves, and each other.
#ifndef SYSIEVE_REACH_LINKS_H_
#define SYSIEVE_REACH_LINKS_H_

#include <cstdint>
#include <set>
#include <vector>

#include "reach/code.h"
#include "reach/elf.h"
#include "reach/values.h"

namespace sysieve::reach {

struct Wrapped {
  Location location;
  bool native;  // by syscall; else a 32-bit gate
  bool operator==(const Wrapped&) const = default;
  bool operator<(const Wrapped& other) const {
    return location == other.location ? native < other.native : location < other.location;
  }
};

struct Node {
  std::set<uint32_t> calls;         // functions
  std::set<uint32_t> imports;       // called
  std::set<uint32_t> takes;         // functions whose address it takes
  std::set<uint32_t> import_takes;  // imports whose address it takes
  std::set<uint64_t> native;        // numbers
  std::set<uint64_t> foreign;       // numbers of 32-bit gates
  std::set<uint64_t> unresolved;    // addresses of gates and calls whose number is not known
  std::set<Wrapped> wraps;          // the number is what the caller gives there
};

struct Links {
  Code code;
  std::vector<Node> nodes;  // one for each function of the code
};

Links Link(const Elf& elf);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_LINKS_H_
