// Reads of another task's memory that no page of it can make wait: a target may serve its own pages
// (userfaultfd, a FUSE file system) and never do.
#ifndef SYSIEVE_CORE_MEMORY_H_
#define SYSIEVE_CORE_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "core/fd.h"

namespace sysieve {

// The memory that a task has as this is made: after an execve it has another.
class TaskMemory {
 public:
  explicit TaskMemory(int tid);

  // Bytes read, from the start on; fewer where the next page is not there, may not be read, or is
  // one that would have to be fetched from a file or a handler of faults.
  size_t Read(uint64_t address, void* into, size_t size) const;
  // Without a descriptor left (EMFILE, ENFILE) it reads nothing, which says nothing of the task.
  [[nodiscard]] bool starved() const { return starved_; }
  // All of it or nothing.
  bool ReadWord(uint64_t address, uint64_t* word) const;

 private:
  [[nodiscard]] bool AtHand(uint64_t address) const;

  UniqueFd bytes_;
  UniqueFd pages_;
  bool no_pages_ = false;  // the kernel does not tell of pages
  bool starved_ = false;
};

}  // namespace sysieve

#endif  // SYSIEVE_CORE_MEMORY_H_
