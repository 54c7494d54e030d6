// The parts of a function that are run through from their beginning to their end, and where each
// leads.
#ifndef SYSIEVE_REACH_BLOCKS_H_
#define SYSIEVE_REACH_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "reach/code.h"

namespace sysieve::reach {

struct Block {
  uint64_t start;
  uint64_t end;
  std::vector<size_t> next;      // indexes
  std::optional<uint64_t> jump;  // where the jump at its end leads, within the function
  bool indirect = false;         // ends in a jump through a register or a table
  bool stops = false;            // does not run on into the next
  bool runs_on = false;          // ends where the function does
  bool entered = false;          // something is known to lead here
  bool padding = true;           // nothing but what aligns the next
};

struct Shape {
  std::vector<Block> blocks;  // by start
  // An address on the stack gets into another register than its own two: what is there may be
  // changed by anyone who gets it.
  bool escapes = false;
};

// `bytes`: those of the function.
Shape CutBlocks(const Function& function, std::span<const uint8_t> bytes);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_BLOCKS_H_
