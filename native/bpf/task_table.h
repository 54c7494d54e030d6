// User space's hand on the table of the target's tasks, which the BPF programs change meanwhile.
#ifndef SYSIEVE_BPF_TASK_TABLE_H_
#define SYSIEVE_BPF_TASK_TABLE_H_

#include <cstdint>

#include "bpf/shared.h"
#include "core/status.h"

namespace sysieve {

class TaskTable {
 public:
  TaskTable() = default;
  ~TaskTable();
  TaskTable(const TaskTable&) = delete;
  TaskTable& operator=(const TaskTable&) = delete;

  // `groups`: all of them, by index.
  Status Open(int tasks_fd, int collided_fd, sysieve_group* groups);

  enum class Claimed { kNew, kKnown, kNoRoom };
  // Enters a task that was found running. It may have ended since: nothing tells of that any more,
  // so it is to be looked at once more, and released then.
  Claimed Claim(int tid, uint16_t slot);
  void Release(int tid, uint16_t slot);

 private:
  void CountLive(uint16_t slot, int64_t by);

  sysieve_task* tasks_ = nullptr;
  int collided_fd_ = -1;
  sysieve_group* groups_ = nullptr;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_TASK_TABLE_H_
