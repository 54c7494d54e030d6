// What every tracer offers: arm on a target, read what was seen so far, detach.
#ifndef SYSIEVE_CORE_TRACER_H_
#define SYSIEVE_CORE_TRACER_H_

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"

namespace sysieve {

enum class Abi { kX86_64, kI386, kX32 };

// kSetup and kRuntime: a container runtime before and under the filter, up to the entrypoint's
// execve; kExecSetup and kExec the same of what enters a running container.
enum class Phase { kApplication, kSetup, kRuntime, kExecSetup, kExec };

// What turns a task in setup into the application; see enum sysieve_exec_rule.
enum class ExecRule { kAny, kNamespace, kFilter };

// Arguments of a call that are kept, masked; `memory`: the word that argument 0 points to instead.
struct TrackedCall {
  Abi abi;
  uint32_t number;
  bool memory = false;
  std::vector<uint32_t> indexes;
  std::vector<uint64_t> masks;
};

struct Target {
  ExecRule exec_rule = ExecRule::kAny;
  bool denied = false;
  bool entry_only = false;  // setup_pids get a filter that answers TRACE to every call
  // What is found running is a container runtime's and has not executed the entrypoint yet.
  bool found_unstarted = false;
  // Keep in mind what containers execute before they are followed, for Follow to tell.
  bool watch_unfollowed = false;
  std::vector<std::string> cgroups;
  std::vector<std::string> cgroup_names;
  std::vector<uint32_t> mount_namespaces;
  std::vector<uint32_t> pid_namespaces;
  std::vector<int> pids;
  std::vector<int> setup_pids;
  std::vector<TrackedCall> tracked;
  // Records every container that starts from then on, each as a group of its own; the lists above
  // are empty then, and the containers that run already are adopted one by one.
  bool grouped = false;
};

struct Executable {
  uint32_t slot;
  std::string path;
  Phase phase;
};

struct Call {
  uint32_t slot;
  Abi abi;
  uint32_t number;
  uint64_t count;
  double first_seen_ms;  // since start
};

struct DeniedCall : Call {
  uint32_t error;  // errno; 0: killed or trapped
};

struct Tuple {
  Phase phase;
  Abi abi;
  uint32_t number;
  bool denied;                   // of denied calls, which only a tracer that tells them apart has
  std::vector<uint64_t> values;  // in the order of the call's indexes
  uint64_t count;
  std::vector<uint32_t> slots;  // that it was made in; see Executable
};

// Calls of which no tuple was kept: over the limit, or (unreadable) their memory was not there.
struct TupleLoss {
  Phase phase;
  Abi abi;
  uint32_t number;
  bool denied;
  bool unreadable;
  uint64_t count;
};

// Every way something can be missed, counted.
struct Losses {
  uint64_t calls = 0;
  uint64_t tasks = 0;
  uint64_t namespaces = 0;
  uint64_t cgroups = 0;
  uint64_t executables = 0;
  uint64_t paths = 0;
};

struct Observation {
  double elapsed_ms = 0;
  int64_t live = 0;
  int64_t live_application = 0;  // the same without those that have not executed anything yet
  uint64_t starts = 0;
  double newest_ms = 0;
  bool preemptible = false;  // the kernel interrupts the tracer's programs, which takes copies
  bool filtered = false;     // a task of the target runs under a seccomp filter
  std::optional<double> denied_since_ms;
  std::vector<Executable> executables;
  std::vector<Call> calls;
  std::vector<DeniedCall> denied;
  std::vector<Tuple> tuples;
  std::vector<TupleLoss> tuple_losses;
  Losses lost;
  std::vector<std::string> blind_spots;
};

// One container among many. Times in ms since the start of the tracer.
struct Group {
  uint32_t group;
  std::string id;  // 64 hex digits
  double born_ms;
  int64_t live;
  uint64_t starts;
  bool ended;  // it has no task and no cgroup any more
};

struct Groups {
  std::vector<Group> groups;
  uint64_t lost;  // containers that there was no group for
};

// Whether a container's cgroup was followed before anything was executed in it: it was, it was not,
// or what came into it came before the tracer.
enum class Followed { kInTime, kLate, kUnknown };

class Tracer {
 public:
  virtual ~Tracer() = default;
  // Arms the tracer; `tasks` receives the number of the target's tasks that were found running.
  virtual Status Start(const Target& target, size_t* tasks) = 0;
  virtual Status WatchDenied() = 0;
  virtual Status Read(Observation* out) = 0;
  // Armed: also follows `more`'s cgroups, and its cgroup names in place of those of the last
  // Follow. `tasks` as with Start; `followed`: the worst of the cgroups, of a target that watches.
  virtual Status Follow(const Target& more, size_t* tasks, Followed* followed) {
    (void)more;
    *tasks = 0;
    *followed = Followed::kUnknown;
    return Status::Error(EOPNOTSUPP, "follow another cgroup");
  }
  // After this nothing is counted any more; Read still works. Idempotent.
  virtual void Detach() = 0;

  // The rest is for a target that is grouped, which only one tracer takes.

  // Those there are. To be called every now and then: a container that ended is one at the second
  // call that finds it so.
  virtual Status ListGroups(Groups* out) { return Ungrouped(out); }
  // Makes a running container a group, with the target's lists; `tasks` receives how many it had.
  // ENOSPC: no group is free. EEXIST: it has one, or is not wanted.
  virtual Status Adopt(const std::string& id, const Target& target, size_t* tasks) {
    return Ungrouped(id, target, tasks);
  }
  // What was seen of each of these groups, which are given free with it. Times of an observation
  // count from the birth of its group.
  virtual Status TakeGroups(const std::vector<uint32_t>& groups, std::vector<Observation>* out) {
    return Ungrouped(groups, out);
  }
  // A group that nobody wants: gone as soon as its tasks have noticed.
  virtual Status IgnoreGroup(uint32_t group) { return Ungrouped(group); }
  // A container that nobody wants gets no group when it starts, until the id is forgotten.
  virtual Status RefuseId(const std::string& id) { return Ungrouped(id); }
  virtual Status ForgetId(const std::string& id) { return Ungrouped(id); }

 private:
  template <typename... Ignored>
  static Status Ungrouped(const Ignored&...) {
    return Status::Error(EOPNOTSUPP, "record many containers");
  }
};

}  // namespace sysieve

#endif  // SYSIEVE_CORE_TRACER_H_
