#include "bpf/group_table.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sysieve {
namespace {

static_assert(sizeof(sysieve_group) % 8 == 0, "an array map pads its values to eight bytes");

// A container that is just being made has a group before it has a cgroup in the table.
constexpr uint64_t kYoungNs = 1'000'000'000;

constexpr size_t kTupleCounts = 2 * SYSIEVE_TRACKED_CALLS;

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

Status ToId(const std::string& text, sysieve_id* id) {
  if (text.size() != sizeof(id->text)) return Status::Error(EINVAL, "read the id", text);
  memcpy(id->text, text.data(), sizeof(id->text));
  return Status::Ok();
}

}  // namespace

GroupTable::~GroupTable() {
  if (groups_ != nullptr) munmap(groups_, bytes_);
  if (tuple_counts_ != nullptr) munmap(tuple_counts_, tuple_bytes_);
}

Status GroupTable::Open(bpf_object* object, uint32_t count) {
  const auto fd = [&](const char* name) {
    return bpf_map__fd(bpf_object__find_map_by_name(object, name));
  };
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  count_ = count;
  bytes_ = (count * sizeof(sysieve_group) + page - 1) / page * page;
  void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd("groups"), 0);
  if (mapped == MAP_FAILED) return Status::Error(errno, "map the groups");
  groups_ = static_cast<sysieve_group*>(mapped);
  free_ = fd("free_groups");
  by_id_ = fd("group_by_id");
  cgroups_ = fd("cgroups");
  tuple_bytes_ = count * kTupleCounts * sizeof(uint64_t);
  tuple_bytes_ = (tuple_bytes_ + page - 1) / page * page;
  mapped = mmap(nullptr, tuple_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd("tuple_counts"), 0);
  if (mapped == MAP_FAILED) return Status::Error(errno, "map the counts of tuples");
  tuple_counts_ = static_cast<uint64_t*>(mapped);
  return Status::Ok();
}

Status GroupTable::Fill() {
  for (uint32_t group = 0; group < count_; group++) {
    groups_[group].next_slot = SLOT_FIRST_EXECUTABLE;
    if (count_ == 1) {
      groups_[group].state = GROUP_USED;
    } else if (bpf_map_update_elem(free_, nullptr, &group, BPF_ANY) != 0) {
      return Status::Error(errno, "fill the queue of groups");
    }
  }
  return Status::Ok();
}

bool GroupTable::IsEmpty(const sysieve_group& group) {
  return __atomic_load_n(&group.cgroups, __ATOMIC_SEQ_CST) <= 0 &&
         __atomic_load_n(&group.live, __ATOMIC_SEQ_CST) <= 0;
}

Status GroupTable::Take(const std::string& id, uint32_t* group) {
  sysieve_id key{};
  if (Status s = ToId(id, &key); !s.ok()) return s;
  if (bpf_map_lookup_and_delete_elem(free_, nullptr, group) != 0) {
    return Status::Error(ENOSPC, "take a group");
  }
  sysieve_group& taken = groups_[*group];
  taken.id = key;
  taken.born_ns = NowNs();
  __atomic_store_n(&taken.state, uint32_t{GROUP_USED}, __ATOMIC_SEQ_CST);
  if (bpf_map_update_elem(by_id_, &key, group, BPF_NOEXIST) == 0) return Status::Ok();
  const int error = errno;
  Free({*group});
  return Status::Error(error, "take a group");
}

std::vector<GroupTable::Used> GroupTable::Look() {
  std::vector<Used> used;
  const uint64_t now = NowNs();
  for (uint32_t at = 0; at < count_; at++) {
    sysieve_group& group = groups_[at];
    if (__atomic_load_n(&group.state, __ATOMIC_SEQ_CST) != GROUP_USED) continue;
    const bool empty = IsEmpty(group) && now - group.born_ns > kYoungNs;
    const bool retired = retired_.contains(at);
    if (empty && !retired) {
      bpf_map_delete_elem(by_id_, &group.id);
      retired_.insert(at);
    } else if (!empty && retired) {
      // Not where another group has the name by now.
      bpf_map_update_elem(by_id_, &group.id, &at, BPF_NOEXIST);
      retired_.erase(at);
    }
    used.push_back({at, empty && retired});
  }
  return used;
}

void GroupTable::Ignore(uint32_t at) {
  if (at >= count_) return;
  sysieve_group& group = groups_[at];
  const uint32_t none = SYSIEVE_GROUP_NONE;
  bpf_map_update_elem(by_id_, &group.id, &none, BPF_ANY);
  __atomic_store_n(&group.state, uint32_t{GROUP_IGNORED}, __ATOMIC_SEQ_CST);
  // No namespace leads to it any more.
  __atomic_fetch_add(&group.generation, 1U, __ATOMIC_SEQ_CST);
  DropCgroups(at);
  retired_.erase(at);
}

// With the name refused, cgroups are only added below known ones: passes go on until none is left.
void GroupTable::DropCgroups(uint32_t at) {
  for (size_t dropped = 1; dropped != 0;) {
    std::vector<sysieve_cgroup_key> keys;
    sysieve_cgroup_key key{};
    sysieve_cgroup_key next{};
    bool more = bpf_map_get_next_key(cgroups_, nullptr, &next) == 0;
    while (more) {
      key = next;
      uint32_t group = 0;
      if (bpf_map_lookup_elem(cgroups_, &key, &group) == 0 && group == at) keys.push_back(key);
      more = bpf_map_get_next_key(cgroups_, &key, &next) == 0;
    }
    dropped = 0;
    for (const sysieve_cgroup_key& gone : keys) {
      if (bpf_map_delete_elem(cgroups_, &gone) != 0) continue;
      __atomic_fetch_sub(&groups_[at].cgroups, 1, __ATOMIC_SEQ_CST);
      dropped++;
    }
  }
}

std::vector<uint32_t> GroupTable::Left() const {
  std::vector<uint32_t> left;
  for (uint32_t at = 0; at < count_; at++) {
    const sysieve_group& group = groups_[at];
    if (__atomic_load_n(&group.state, __ATOMIC_SEQ_CST) == GROUP_IGNORED && IsEmpty(group)) {
      left.push_back(at);
    }
  }
  return left;
}

void GroupTable::Free(const std::vector<uint32_t>& groups) {
  for (const uint32_t at : groups) {
    if (at >= count_) continue;
    std::fill_n(tuple_counts_ + at * kTupleCounts, kTupleCounts, 0);
    sysieve_group& group = groups_[at];
    // What is left of its namespaces in the map is of an older generation.
    const uint32_t generation = group.generation + 1;
    group = sysieve_group{};
    group.next_slot = SLOT_FIRST_EXECUTABLE;
    group.generation = generation;
    retired_.erase(at);
    bpf_map_update_elem(free_, nullptr, &at, BPF_ANY);
  }
}

Status GroupTable::Refuse(const std::string& id) {
  sysieve_id key{};
  if (Status s = ToId(id, &key); !s.ok()) return s;
  const uint32_t none = SYSIEVE_GROUP_NONE;
  if (bpf_map_update_elem(by_id_, &key, &none, BPF_NOEXIST) == 0) return Status::Ok();
  return Status::Error(errno, "refuse a container");
}

void GroupTable::Forget(const std::string& id) {
  sysieve_id key{};
  uint32_t group = 0;
  if (!ToId(id, &key).ok()) return;
  if (bpf_map_lookup_elem(by_id_, &key, &group) == 0 && group == SYSIEVE_GROUP_NONE) {
    bpf_map_delete_elem(by_id_, &key);
  }
}

}  // namespace sysieve
