// How the target's tasks are found and seized.
#include <sys/ptrace.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <set>
#include <string>

#include "core/cgroup.h"
#include "core/proc.h"
#include "ptrace/trace_loop.h"

namespace sysieve {
namespace {

using Clock = std::chrono::steady_clock;

// Not EXITKILL: what is traced was there before, or is to outlive a recorder that is killed.
constexpr uintptr_t kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                               PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
// A filter's TRACE without a tracer answers ENOSYS to every call: such a target cannot go on.
constexpr uintptr_t kEntryOnly = PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
// For tasks that do not stop: frozen, or waiting for a vfork child.
constexpr std::chrono::milliseconds kSettle{2000};

bool Exists(int pid, int tid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid);
  return access(path.c_str(), F_OK) == 0;
}

// PTRACE_GET_SYSCALL_INFO is there from Linux 5.3 on; nothing else tells a call's ABI for certain.
Status CheckKernel() {
  utsname name{};
  uname(&name);
  char* end = nullptr;
  const long major = strtol(name.release, &end, 10);
  const long minor = *end == '.' ? strtol(end + 1, nullptr, 10) : 0;
  if (major > 5 || (major == 5 && minor >= 3)) return Status::Ok();
  return Status::Error(ENOSYS, "read system calls by ptrace",
                       std::string("needs Linux 5.3, this is ") + name.release);
}

}  // namespace

Status TraceLoop::Attach(size_t* found) {
  *found = 0;
  if (Status status = CheckKernel(); !status.ok()) return status;
  for (const int pid : target_.setup_pids) {
    Task task;
    task.phase = Phase::kSetup;
    task.slot = Tally::PhaseSlot(Phase::kSetup);
    const auto about = tracee::ReadStatus(pid);
    // One that is given to it before its execve is not what makes it the application.
    task.base_filters = (about ? about->filters : 0) + own_filters_;
    task.entry_only = target_.entry_only;
    Status status = Status::Ok();
    const Seized seized = Seize(pid, task, &status);
    if (!status.ok()) return status;
    if (seized != Seized::kNew) {
      return Status::Error(ESRCH, "find the process to start", std::to_string(pid));
    }
  }
  // A task makes children that nobody is told of as long as it is not seized, and may be in the
  // middle of a fork then: passes go on until all have stopped once and one finds nothing new.
  const Clock::time_point deadline = Clock::now() + kSettle;
  for (size_t added = 1; added != 0;) {
    rescan_ = false;
    added = 0;
    if (Status status = Scan(&added); !status.ok()) return status;
    *found += added;
    Settle();
    if (Clock::now() > deadline) {
      rescan_ = true;  // goes on beside the recording
      break;
    }
  }
  initial_ = false;
  return Status::Ok();
}

void TraceLoop::Settle() {
  const Clock::time_point deadline = Clock::now() + kSettle;
  const auto all_stopped = [this] {
    return std::all_of(tasks_.begin(), tasks_.end(),
                       [](const auto& entry) { return entry.second.stopped_once; });
  };
  while (!finished_ && !all_stopped() && Clock::now() < deadline) {
    shared_->beats++;
    if (!Next(true)) Tick();
    if (since_sweep_ > tasks_.size()) Sweep();
  }
}

void TraceLoop::Rescan() {
  rescan_ = false;
  size_t added = 0;
  // A reading of /proc that fails leaves tasks unseen.
  if (!Scan(&added).ok()) shared_->tally.LoseTasks(1);
}

Status TraceLoop::Scan(size_t* added) {
  if (target_.pids.empty() && target_.cgroups.empty()) return Status::Ok();
  std::vector<int> listed;
  const auto enter = [&](const CgroupId&, const std::string& directory) {
    proc::ReadPids(directory + "/cgroup.procs", &listed);
    // Threads of one process may be spread over v1 cgroups, and over threaded ones of v2.
    proc::ReadPids(directory + "/tasks", &listed);
    proc::ReadPids(directory + "/cgroup.threads", &listed);
  };
  for (const std::string& cgroup : target_.cgroups) {
    size_t refused = 0;
    Status status = WalkCgroups(cgroup, enter, &refused);
    // Later it may have gone with its last task.
    if (initial_ && !status.ok()) return status;
    if (refused != 0) return Status::Error(EACCES, "look into all of the cgroup", cgroup);
  }
  std::set<int> members(listed.begin(), listed.end());
  for (const int own : {recorder_, static_cast<int>(getpid())}) {
    for (const int tid : proc::Threads(own)) members.erase(tid);
  }
  const std::vector<int> processes = proc::Processes();
  if (processes.empty()) return Status::Error(EMFILE, "list the processes in /proc");
  const std::set<int> descendants = proc::Descendants(processes, target_.pids);
  for (const int pid : processes) {
    if (pid == recorder_ || pid == getpid()) continue;
    if (!members.contains(pid) && !descendants.contains(pid)) continue;
    if (Status status = ScanProcess(pid, added); !status.ok()) return status;
  }
  for (const int tid : members) {
    if (std::binary_search(processes.begin(), processes.end(), tid)) continue;
    if (Status status = ScanThread(tid, tid, added); !status.ok()) return status;
  }
  return Status::Ok();
}

Status TraceLoop::ScanProcess(int pid, size_t* added) {
  shared_->beats++;
  const std::vector<int> threads = proc::Threads(pid);
  if (threads.empty() && Exists(pid, pid)) {
    return Status::Error(EMFILE, "list the threads of " + std::to_string(pid));
  }
  for (const int tid : threads) {
    if (Status status = ScanThread(pid, tid, added); !status.ok()) return status;
  }
  return Status::Ok();
}

Status TraceLoop::ScanThread(int pid, int tid, size_t* added) {
  if (tasks_.contains(tid) || held_.contains(tid) || refused_.contains(tid)) return Status::Ok();
  const auto state = proc::State(pid, tid);
  if (!state || state->exiting) return Status::Ok();
  Status status = Status::Ok();
  const Seized seized = Seize(tid, Found(pid, tid), &status);
  if (seized == Seized::kNew) (*added)++;
  if (seized != Seized::kRefused || initial_) return status;
  refused_.insert(tid);
  shared_->tally.LoseTasks(1);
  return Status::Ok();
}

TraceLoop::Task TraceLoop::Found(int pid, int tid) {
  Task task;
  const auto about = tracee::ReadStatus(tid);
  const bool filtered = about && about->filters > 0;
  if (filtered) shared_->filtered = true;
  // In the container and not the application: a runtime that is about to execute something
  // (docker exec, a probe) and is not under the filter, or not in the container's root, yet.
  const bool entering = target_.exec_rule == ExecRule::kFilter
                            ? !filtered
                            : target_.exec_rule == ExecRule::kNamespace &&
                                  !target_.mount_namespaces.empty() &&
                                  proc::Namespace(pid, "mnt") == outer_mount_namespace_;
  if (entering) {
    task.phase = Phase::kExecSetup;
    task.slot = Tally::PhaseSlot(Phase::kExecSetup);
    task.base_filters = about ? about->filters : 0;
  } else {
    task.slot = shared_->tally.ApplicationSlot(proc::ExecutablePath(pid));
  }
  return task;
}

TraceLoop::Seized TraceLoop::Seize(int tid, Task task, Status* status) {
  shared_->beats++;
  // Waits for an execve that its process is in the middle of.
  const uintptr_t options = kOptions | (task.entry_only ? kEntryOnly : 0);
  if (ptrace(PTRACE_SEIZE, tid, nullptr, options) != 0) {
    const int code = errno;
    const auto about = tracee::ReadStatus(tid);
    if (code == ESRCH || !about || about->state == 'Z' || about->state == 'X') {
      return Seized::kGone;
    }
    // A child or thread of a traced one, whose stop is yet to be seen.
    if (about->tracer == getpid()) return Seized::kKnown;
    const std::string who = "attach to task " + std::to_string(tid);
    *status = about->tracer != 0
                  ? Status::Error(EBUSY, who,
                                  "process " + std::to_string(about->tracer) + " (" +
                                      tracee::Name(about->tracer) + ") traces it already")
                  : Status::Error(code, who, tracee::Name(tid));
    return Seized::kRefused;
  }
  Insert(tid, task);
  // One blocking call of it returns EINTR or is made again: the least a ptracer costs.
  ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
  return Seized::kNew;
}

}  // namespace sysieve
