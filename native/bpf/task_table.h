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

  enum class Claimed { kNew, kKnown, kGone, kNoRoom };
  // Enters a task that was found running. The id may pass to another task between the scan and the
  // claim; the start time, read before and after, tells.
  Claimed Claim(int pid, int tid, uint16_t slot);

 private:
  void Release(uint32_t tid, uint16_t slot, bool collided);
  void CountLive(uint16_t slot, int64_t by);

  sysieve_task* tasks_ = nullptr;
  int collided_fd_ = -1;
  sysieve_group* groups_ = nullptr;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_TASK_TABLE_H_
