#include "bpf/task_table.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

namespace sysieve {
namespace {

constexpr size_t kBytes = sizeof(sysieve_task) * SYSIEVE_TASKS;
static_assert(sizeof(sysieve_task) == 8, "an array map pads its values to eight bytes");

bool IsApplication(uint16_t slot) {
  const int local = slot & (SYSIEVE_SLOTS - 1);
  return local == SLOT_UNKNOWN || local >= SLOT_FIRST_EXECUTABLE;
}

}  // namespace

TaskTable::~TaskTable() {
  if (tasks_ != nullptr) munmap(tasks_, kBytes);
}

Status TaskTable::Open(int tasks_fd, int collided_fd, sysieve_group* groups) {
  void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, tasks_fd, 0);
  if (mapped == MAP_FAILED) return Status::Error(errno, "map the task table");
  tasks_ = static_cast<sysieve_task*>(mapped);
  collided_fd_ = collided_fd;
  groups_ = groups;
  return Status::Ok();
}

void TaskTable::CountLive(uint16_t slot, int64_t by) {
  sysieve_group& group = groups_[slot >> SYSIEVE_SLOT_BITS];
  __atomic_fetch_add(&group.live, by, __ATOMIC_RELAXED);
  if (IsApplication(slot)) __atomic_fetch_add(&group.live_application, by, __ATOMIC_RELAXED);
}

void TaskTable::Release(int tid, uint16_t slot) {
  const auto id = static_cast<uint32_t>(tid);
  sysieve_task& task = tasks_[sysieve_task_index(id)];
  uint32_t expected = id;
  if (__atomic_compare_exchange_n(&task.tid, &expected, 0, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_SEQ_CST) ||
      bpf_map_delete_elem(collided_fd_, &id) == 0) {
    CountLive(slot, -1);
  }
}

TaskTable::Claimed TaskTable::Claim(int tid, uint16_t slot) {
  const auto id = static_cast<uint32_t>(tid);
  sysieve_task& task = tasks_[sysieve_task_index(id)];
  auto* word = reinterpret_cast<__u64*>(&task);
  sysieve_task_word fresh = {.task = {.tid = id, .slot = slot, .marks = 0, .state = STATE_UNKNOWN}};
  sysieve_task_word seen = {.word = __atomic_load_n(word, __ATOMIC_SEQ_CST)};
  bool placed = false;
  while (seen.task.tid == 0 && !placed) {
    sysieve_task known{};
    const uint8_t collided = seen.task.marks & TASK_COLLIDED;
    if (collided != 0 && bpf_map_lookup_elem(collided_fd_, &id, &known) == 0) {
      return Claimed::kKnown;
    }
    fresh.task.marks = collided;
    placed = __atomic_compare_exchange_n(word, &seen.word, fresh.word, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST);
  }
  if (!placed) {
    if (seen.task.tid == id) return Claimed::kKnown;
    __atomic_fetch_or(&task.marks, uint8_t{TASK_COLLIDED}, __ATOMIC_SEQ_CST);
    fresh.task.marks = 0;
    if (bpf_map_update_elem(collided_fd_, &id, &fresh.task, BPF_NOEXIST) != 0) {
      return errno == EEXIST ? Claimed::kKnown : Claimed::kNoRoom;
    }
  }
  CountLive(slot, 1);
  return Claimed::kNew;
}

}  // namespace sysieve
