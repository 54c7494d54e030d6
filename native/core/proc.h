// Reads of /proc: which tasks exist, where they belong. A task may end between any two reads, so
// every function answers "nothing" rather than fail then.
#ifndef SYSIEVE_CORE_PROC_H_
#define SYSIEVE_CORE_PROC_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sysieve::proc {

std::vector<int> Processes();
std::vector<int> Threads(int pid);
// The parent's pid; 0 when the process is gone.
int Parent(int pid);
// Of `processes`, those that are one of `roots` or descend from one, as their parents are now.
std::set<int> Descendants(const std::vector<int>& processes, const std::vector<int>& roots,
                          const std::function<int(int)>& parent_of = Parent);
// Inode of /proc/PID/ns/KIND; 0 when the process is gone, or (sets `refused`) not to be looked at.
uint32_t Namespace(int pid, const char* kind, bool* refused = nullptr);
// What /proc/PID/exe names; empty for kernel threads and ended processes, and (sets `refused`) for
// one that is not to be looked at.
std::string ExecutablePath(int pid, bool* refused = nullptr);
// Whether /proc leaves out processes of others, as it is mounted (hidepid).
bool HidesProcesses();
struct TaskState {
  // Clock ticks since boot: with the id, it names a task uniquely.
  uint64_t start_time;
  // Past the point where the kernel tells tracers of its end, a zombie for one.
  bool exiting;
};
std::optional<TaskState> State(int pid, int tid);
// Whether a seccomp filter is in place.
bool IsFiltered(int pid, int tid);
// Reads whole numbers, one a line (cgroup.procs); false when the file cannot be opened.
bool ReadPids(const std::string& path, std::vector<int>* out);

}  // namespace sysieve::proc

#endif  // SYSIEVE_CORE_PROC_H_
