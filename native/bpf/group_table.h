// User space's hand on the groups: the one target, or containers that come and go by themselves.
// The BPF programs take a group for each container as its first cgroup is made.
#ifndef SYSIEVE_BPF_GROUP_TABLE_H_
#define SYSIEVE_BPF_GROUP_TABLE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "bpf/shared.h"
#include "core/status.h"

struct bpf_object;

namespace sysieve {

class GroupTable {
 public:
  GroupTable() = default;
  ~GroupTable();
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  // `count`: groups that the maps were made for.
  Status Open(bpf_object* object, uint32_t count);
  // Of new maps: all are free, but the only one of one.
  Status Fill();
  [[nodiscard]] sysieve_group* data() { return groups_; }
  sysieve_group& at(uint32_t group) { return groups_[group]; }

  // A free one for a container that runs already. ENOSPC: none is left. EEXIST: the container has
  // one, or is refused.
  Status Take(const std::string& id, uint32_t* group);

  struct Used {
    uint32_t group;
    bool ended;
  };
  // All that are taken and wanted. One without a task and a cgroup loses its name at the first call
  // that finds it so, and has ended at the next: what makes a cgroup of that name at the same time
  // has long counted it by then.
  std::vector<Used> Look();
  // From here on its tasks leave, each at its next call.
  void Ignore(uint32_t group);
  // Ignored groups that the last task has left: their counts can be taken out, and they be freed.
  [[nodiscard]] std::vector<uint32_t> Left() const;
  // Gives groups free whose counts are taken out of the maps.
  void Free(const std::vector<uint32_t>& groups);

  Status Refuse(const std::string& id);
  void Forget(const std::string& id);

 private:
  [[nodiscard]] static bool IsEmpty(const sysieve_group& group);
  void DropCgroups(uint32_t group);

  sysieve_group* groups_ = nullptr;
  uint32_t count_ = 0;
  size_t bytes_ = 0;
  int free_ = -1;
  int by_id_ = -1;
  int cgroups_ = -1;
  uint64_t* tuple_counts_ = nullptr;
  size_t tuple_bytes_ = 0;
  std::set<uint32_t> retired_;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_GROUP_TABLE_H_
