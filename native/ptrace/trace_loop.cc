#include "ptrace/trace_loop.h"

#include <linux/sched.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "core/proc.h"
#include "ptrace/own_process.h"

namespace sysieve {
namespace {

constexpr int kCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD
constexpr int kEventStop = 128;            // PTRACE_EVENT_STOP
constexpr size_t kSweepEvery = 64;
// A parent's stop follows its child's at once; only one that was killed in between never comes.
constexpr int kAdoptAfterTicks = 3;
constexpr int kReleaseAfterTicks = 100;  // 2 s

// What becomes of a call is looked at where it changes whom or what there is to trace.
enum class Kind { kOther, kFork, kClone3, kFilter, kPtrace };

Kind KindOf(Abi abi, uint32_t number) {
  if (abi == Abi::kI386) {
    switch (number) {
      case 2:    // fork
      case 120:  // clone
      case 190:  // vfork
        return Kind::kFork;
      case 435:
        return Kind::kClone3;
      case 172:  // prctl
      case 354:  // seccomp
        return Kind::kFilter;
      case 26:
        return Kind::kPtrace;
      default:
        return Kind::kOther;
    }
  }
  switch (number) {
    case 56:  // clone
    case 57:  // fork
    case 58:  // vfork
      return Kind::kFork;
    case 435:
      return Kind::kClone3;
    case 157:  // prctl
    case 317:  // seccomp
      return Kind::kFilter;
    case 101:
    case 521:  // x32
      return Kind::kPtrace;
    default:
      return Kind::kOther;
  }
}

// A runtime executes itself again, from a sealed copy, before it enters the namespaces.
bool IsOwnCopy(const std::string& path) {
  return path.starts_with("/proc/self/exe") || path.starts_with("/proc/self/fd/") ||
         path.starts_with("/dev/fd/");
}

bool Holds(const std::vector<uint32_t>& list, uint32_t inode) {
  return inode != 0 && std::find(list.begin(), list.end(), inode) != list.end();
}

}  // namespace

TraceLoop::TraceLoop(const Target& target, int recorder, Shared* shared)
    : target_(target),
      recorder_(recorder),
      shared_(shared),
      outer_mount_namespace_(proc::Namespace(recorder, "mnt")),
      follow_namespaces_(!target.mount_namespaces.empty() || !target.pid_namespaces.empty() ||
                         !target.cgroup_names.empty()),
      own_filters_(target.entry_only ? 1 : 0) {}

void TraceLoop::Run() {
  while (!shared_->stop.load(std::memory_order_relaxed) && !finished_) {
    shared_->beats++;
    if (!Next(true)) Tick();
    if (since_sweep_ > std::max(kSweepEvery, tasks_.size())) Sweep();
  }
}

// WNOWAIT: the kernel forgets the signal a task stopped for once its stop is waited for, so a
// recorder that is killed before the task is resumed would take the signal with it. Left there, it
// is delivered when the kernel detaches. A stop ends to be one as its task is resumed.
bool TraceLoop::Next(bool block) {
  siginfo_t seen{};
  const int options = WSTOPPED | WEXITED | WNOWAIT | __WALL | (block ? 0 : WNOHANG);
  if (waitid(P_ALL, 0, &seen, options) != 0) {
    if (errno == ECHILD) finished_ = true;
    return false;
  }
  if (seen.si_pid == 0) return false;
  since_sweep_++;
  Handle(seen);
  return true;
}

// The kernel tells the stops of the tasks seized last first, and a busy one stops again while it is
// being resumed: each has its turn here.
void TraceLoop::Sweep() {
  since_sweep_ = 0;
  std::vector<int> tids;
  tids.reserve(tasks_.size());
  for (const auto& [tid, task] : tasks_) tids.push_back(tid);
  for (const int tid : tids) {
    siginfo_t seen{};
    const int options = WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL;
    if (waitid(P_PID, static_cast<id_t>(tid), &seen, options) == 0 && seen.si_pid == tid) {
      Handle(seen);
    }
  }
}

void TraceLoop::Tick() {
  if (rescan_ && !initial_) Rescan();
  std::vector<int> orphans;
  for (auto& [tid, held] : held_) {
    if (++held.ticks >= kAdoptAfterTicks) orphans.push_back(tid);
  }
  for (const int tid : orphans) Adopt(tid);
  std::vector<int> late;
  for (auto& [caller, barrier] : barriers_) {
    if (++barrier.ticks >= kReleaseAfterTicks) late.push_back(caller);
  }
  for (const int caller : late) {
    // A thread that did not stop (frozen, or waiting for a vfork child) may be denied calls unseen.
    shared_->tally.LoseTasks(barriers_[caller].threads.size());
    Release(caller);
  }
}

void TraceLoop::Handle(const siginfo_t& seen) {
  const int tid = seen.si_pid;
  if (seen.si_code == CLD_EXITED || seen.si_code == CLD_KILLED || seen.si_code == CLD_DUMPED) {
    OnEnd(tid);
    return;
  }
  const auto task = tasks_.find(tid);
  if (task == tasks_.end()) {
    if (seen.si_status >> 8 == PTRACE_EVENT_EXEC) {
      // The id of a leader that had ended, taken over.
      OnExec(tid);
      ResumeStopped(tid, seen.si_status);
    } else {
      OnUnknown(tid, seen.si_status);
    }
    return;
  }
  if (!task->second.stopped_once) {
    task->second.stopped_once = true;
    // A fork that was under way as it was seized has made a child that nobody was told of.
    rescan_ = true;
  }
  OnStop(tid, &task->second, seen.si_status);
}

void TraceLoop::OnEnd(int tid) {
  // Its parent learns of its end when its tracer has waited for it.
  siginfo_t seen{};
  waitid(P_PID, static_cast<id_t>(tid), &seen, WEXITED | WNOHANG | __WALL);
  const auto task = tasks_.find(tid);
  if (task == tasks_.end()) {
    if (held_.erase(tid) == 0 || ended_early_.size() < 4096) ended_early_.insert(tid);
    return;
  }
  if (task->second.at_exit == Task::AtExit::kFork && task->second.untraced &&
      !task->second.reported) {
    shared_->tally.LoseTasks(1);
  }
  Erase(tid);
  if (!barriers_.empty()) Arrived(tid);
}

void TraceLoop::OnUnknown(int tid, int status) {
  // Waited for, or it would be told again and again: a new task's first stop carries no signal.
  siginfo_t seen{};
  waitid(P_PID, static_cast<id_t>(tid), &seen, WSTOPPED | WNOHANG | __WALL);
  ended_early_.erase(tid);
  held_[tid] = {status, 0};
}

void TraceLoop::OnStop(int tid, Task* task, int status) {
  const int event = status >> 8;
  if (!barriers_.empty()) Arrived(tid);
  if (status == kCallStop || event == PTRACE_EVENT_SECCOMP) {
    if (!OnCall(tid, task)) return;
  } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
             event == PTRACE_EVENT_CLONE) {
    OnFork(tid, task);
  } else if (event == PTRACE_EVENT_EXEC) {
    OnExec(tid);
  }
  ResumeStopped(tid, status);
}

void TraceLoop::ResumeStopped(int tid, int status) const {
  const int event = status >> 8;
  if (event == kEventStop && (status & 0xff) != SIGTRAP) {
    // A stop of the whole group: it stays stopped, and SIGCONT is told.
    if (ptrace(PTRACE_LISTEN, tid, nullptr, nullptr) == 0 || errno == ESRCH) return;
  }
  const bool delivery = event == 0 && status != kCallStop;
  Resume(tid, delivery ? status : 0);
}

// ESRCH: it was killed in its stop, and its end is told next.
void TraceLoop::Resume(int tid, int signal) const {
  const auto task = tasks_.find(tid);
  const bool entries = task != tasks_.end() && task->second.entry_only &&
                       task->second.at_exit == Task::AtExit::kNothing;
  ptrace(entries ? PTRACE_CONT : PTRACE_SYSCALL, tid, nullptr, static_cast<intptr_t>(signal));
}

// False: the task waits in its stop.
bool TraceLoop::OnCall(int tid, Task* task) {
  const auto call = tracee::ReadCallStop(tid);
  if (!call) {
    // Unless it was killed in its stop: one call more is not counted.
    if (errno != ESRCH) shared_->tally.LoseCalls(1);
    return true;
  }
  if (!call->entry) {
    task->entered = false;
    const Task::AtExit look = std::exchange(task->at_exit, Task::AtExit::kNothing);
    if (look == Task::AtExit::kFork && call->result > 0 && !task->reported) {
      // CLONE_UNTRACED, whatever another thread made of the flags meanwhile.
      shared_->tally.LoseTasks(1);
    }
    if (look == Task::AtExit::kFilter && !shared_->filtered) {
      const auto status = tracee::ReadStatus(tid);
      if (status && status->filters > own_filters_) shared_->filtered = true;
    }
    return true;
  }
  if (call->traced) {
    RefuseTrace(tid, *call);
    if (task->entered) return true;
  } else {
    task->entered = true;
  }
  if (task->phase != Phase::kApplication) Advance(tid, task);
  const bool clone3 = KindOf(call->abi, call->number) == Kind::kClone3;
  std::optional<uint64_t> flags;
  if (uint64_t word = 0; clone3 && tracee::ReadWord(tid, call->arguments[0], &word)) flags = word;
  const auto read = [&](uint64_t address, uint64_t* word) {
    if (!clone3) return tracee::ReadWord(tid, address, word);
    *word = flags.value_or(0);
    return flags.has_value();
  };
  shared_->tally.Count(task->slot, call->abi, call->number, call->arguments, read);
  Watch(task, *call, flags);
  return !task->entry_only || task->at_exit != Task::AtExit::kFilter ||
         !HoldsForFilter(tid, task, *call);
}

// `flags`: of clone3, where they could be read.
void TraceLoop::Watch(Task* task, const tracee::CallStop& call, std::optional<uint64_t> flags) {
  const Kind kind = KindOf(call.abi, call.number);
  switch (kind) {
    case Kind::kFork:
    case Kind::kClone3:
      task->at_exit = Task::AtExit::kFork;
      task->reported = false;
      // What may have asked for a child that nobody is told of is taken for one that did.
      task->untraced = ((kind == Kind::kFork ? call.arguments[0] : flags.value_or(CLONE_UNTRACED)) &
                        CLONE_UNTRACED) != 0;
      return;
    case Kind::kFilter:
      task->at_exit = Task::AtExit::kFilter;
      return;
    case Kind::kPtrace:
      if (task->phase == Phase::kApplication) shared_->nested = true;
      [[fallthrough]];
    case Kind::kOther:
      task->at_exit = Task::AtExit::kNothing;
  }
}

// The phases before the application are left one by one: joined, filtered, executed.
void TraceLoop::Advance(int tid, Task* task) {
  if (task->phase != Phase::kSetup && task->phase != Phase::kExecSetup) return;
  const auto status = tracee::ReadStatus(tid);
  if (!status || status->filters <= task->base_filters) return;
  const Phase phase =
      task->phase == Phase::kSetup || status->namespace_init ? Phase::kRuntime : Phase::kExec;
  SetSlot(task, Tally::PhaseSlot(phase), phase);
}

void TraceLoop::OnFork(int tid, Task* task) {
  task->reported = true;
  unsigned long message = 0;
  // Killed in the stop: the child is adopted as it stops.
  if (ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message) != 0) return;
  const int child = static_cast<int>(message);
  if (child <= 0 || ended_early_.erase(child) != 0) return;
  Task inherited;
  inherited.slot = task->slot;
  inherited.phase = task->phase;
  inherited.base_filters = task->base_filters;
  inherited.entry_only = task->entry_only;
  const auto held = held_.find(child);
  inherited.stopped_once = true;
  Insert(child, inherited);
  if (held == held_.end()) return;
  const int status = held->second.status;
  held_.erase(held);
  ResumeStopped(child, status);
}

// Its parent was killed before its fork was told, or is one that seizing came too late for.
void TraceLoop::Adopt(int tid) {
  const int status = held_[tid].status;
  held_.erase(tid);
  const auto about = tracee::ReadStatus(tid);
  Task task;
  if (about) {
    auto relative = tasks_.find(about->process);
    if (relative == tasks_.end()) relative = tasks_.find(about->parent);
    if (relative != tasks_.end()) {
      task.slot = relative->second.slot;
      task.phase = relative->second.phase;
      task.base_filters = relative->second.base_filters;
      task.entry_only = relative->second.entry_only;
    } else {
      task.slot = shared_->tally.ApplicationSlot(proc::ExecutablePath(about->process));
    }
  }
  task.stopped_once = true;
  Insert(tid, task);
  ResumeStopped(tid, status);
}

void TraceLoop::OnExec(int tid) {
  // An execve that changed its task's id is answered no request before it was waited for.
  siginfo_t seen{};
  waitid(P_PID, static_cast<id_t>(tid), &seen, WSTOPPED | WNOHANG | __WALL);
  unsigned long message = 0;
  if (ptrace(PTRACE_GETEVENTMSG, tid, nullptr, &message) != 0) return;
  const int former = static_cast<int>(message);
  if (former > 0 && former != tid) {
    // By a thread other than the leader, whose id it takes over; nothing tells the leader's end.
    const auto executing = tasks_.find(former);
    if (executing == tasks_.end()) return;
    const Task task = executing->second;
    Erase(former);
    Erase(tid);
    Insert(tid, task);
  }
  const auto found = tasks_.find(tid);
  if (found == tasks_.end()) return;
  Task* const task = &found->second;
  auto path = tracee::ExecutedPath(tid);
  if (!path) {
    // One whose memory this user may not read.
    shared_->unreadable = true;
    path.emplace();
  }
  const auto status = tracee::ReadStatus(tid);
  const int filters = status ? status->filters : 0;
  if (task->phase != Phase::kApplication) {
    if (!BecomesApplication(tid, *task, filters, *path)) return;
    if (task->phase == Phase::kSetup || task->phase == Phase::kRuntime) shared_->tally.Started();
  }
  if (filters > own_filters_) shared_->filtered = true;
  SetSlot(task, shared_->tally.ApplicationSlot(*path), Phase::kApplication);
}

// The twin of becomes_application in the BPF object.
bool TraceLoop::BecomesApplication(int tid, const Task& task, int filters,
                                   const std::string& path) const {
  if (target_.exec_rule == ExecRule::kAny || filters > task.base_filters) return true;
  const bool entered = task.phase == Phase::kExecSetup || task.phase == Phase::kExec;
  const uint32_t mounts = proc::Namespace(tid, "mnt");
  const bool inside =
      entered ? Holds(target_.mount_namespaces, mounts) : mounts != outer_mount_namespace_;
  if (target_.exec_rule == ExecRule::kFilter) return entered && inside && !IsOwnCopy(path);
  if (entered && follow_namespaces_) {
    return inside || Holds(target_.pid_namespaces, proc::Namespace(tid, "pid"));
  }
  return inside || !IsOwnCopy(path);
}

void TraceLoop::Insert(int tid, const Task& task) {
  Erase(tid);
  tasks_.emplace(tid, task);
  shared_->live++;
  if (task.phase == Phase::kApplication) shared_->live_application++;
}

void TraceLoop::Erase(int tid) {
  const auto found = tasks_.find(tid);
  if (found == tasks_.end()) return;
  barriers_.erase(tid);
  shared_->live--;
  if (found->second.phase == Phase::kApplication) shared_->live_application--;
  tasks_.erase(found);
}

void TraceLoop::SetSlot(Task* task, uint32_t slot, Phase phase) {
  if (task->phase != Phase::kApplication && phase == Phase::kApplication) {
    shared_->live_application++;
  }
  task->slot = slot;
  task->phase = phase;
}

}  // namespace sysieve
