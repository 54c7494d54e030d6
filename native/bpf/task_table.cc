#include "bpf/task_table.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include "core/proc.h"

namespace sysieve {
namespace {

constexpr size_t kBytes = sizeof(sysieve_task) * SYSIEVE_TASKS;
static_assert(sizeof(sysieve_task) == 8, "an array map pads its values to eight bytes");

bool IsApplication(uint16_t slot) { return slot == SLOT_UNKNOWN || slot >= SLOT_FIRST_EXECUTABLE; }

}  // namespace

TaskTable::~TaskTable() {
  if (tasks_ != nullptr) munmap(tasks_, kBytes);
}

Status TaskTable::Open(int tasks_fd, int collided_fd, sysieve_counters* counters) {
  void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, tasks_fd, 0);
  if (mapped == MAP_FAILED) return Status::Error(errno, "map the task table");
  tasks_ = static_cast<sysieve_task*>(mapped);
  collided_fd_ = collided_fd;
  counters_ = counters;
  return Status::Ok();
}

void TaskTable::CountLive(uint16_t slot, int64_t by) {
  __atomic_fetch_add(&counters_->live, by, __ATOMIC_RELAXED);
  if (IsApplication(slot)) __atomic_fetch_add(&counters_->live_application, by, __ATOMIC_RELAXED);
}

void TaskTable::Release(uint32_t tid, uint16_t slot, bool collided) {
  if (collided) {
    if (bpf_map_delete_elem(collided_fd_, &tid) == 0) CountLive(slot, -1);
    return;
  }
  sysieve_task& task = tasks_[sysieve_task_index(tid)];
  uint32_t expected = tid;
  if (__atomic_compare_exchange_n(&task.tid, &expected, 0, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST)) {
    CountLive(slot, -1);
  }
}

TaskTable::Claimed TaskTable::Claim(int pid, int tid, uint16_t slot) {
  const auto before = proc::StartTime(pid, tid);
  if (!before) return Claimed::kGone;
  const auto id = static_cast<uint32_t>(tid);
  sysieve_task& task = tasks_[sysieve_task_index(id)];
  uint32_t holder = 0;
  bool collided = false;
  if (__atomic_compare_exchange_n(&task.tid, &holder, id, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST)) {
    // Compare again: an execve traced since the claim has already named a newer executable.
    uint16_t unknown = SLOT_UNKNOWN;
    __atomic_compare_exchange_n(&task.slot, &unknown, slot, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
  } else if (holder == id) {
    return Claimed::kKnown;
  } else {
    collided = true;
    __atomic_store_n(&task.collided, uint8_t{1}, __ATOMIC_SEQ_CST);
    const sysieve_task fresh = {.tid = id, .slot = slot, .state = STATE_UNKNOWN, .collided = 0};
    if (bpf_map_update_elem(collided_fd_, &id, &fresh, BPF_NOEXIST) != 0) {
      return errno == EEXIST ? Claimed::kKnown : Claimed::kNoRoom;
    }
  }
  CountLive(slot, 1);
  if (proc::StartTime(pid, tid) != before) {
    Release(id, slot, collided);
    return Claimed::kGone;
  }
  return Claimed::kNew;
}

}  // namespace sysieve
