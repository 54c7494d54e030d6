// Follows the tasks of a target by ptrace and counts their calls. Everything here runs in the
// tracer's own process; what the recorder may ask meanwhile lies in Shared.
#ifndef SYSIEVE_PTRACE_TRACE_LOOP_H_
#define SYSIEVE_PTRACE_TRACE_LOOP_H_

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "core/tally.h"
#include "core/tracer.h"
#include "ptrace/tracee.h"

namespace sysieve {

struct Shared {
  Tally tally;
  std::atomic<bool> stop{false};  // asks the loop to return
  // Goes up at least every few ticks: a loop that no longer does is held in the kernel, by an
  // execve of the target that waits for a file system, say.
  std::atomic<uint64_t> beats{0};
  std::atomic<int64_t> live{0};
  std::atomic<int64_t> live_application{0};
  std::atomic<bool> filtered{false};    // a task of the target is under a seccomp filter
  std::atomic<bool> nested{false};      // the target calls ptrace itself
  std::atomic<bool> unreadable{false};  // an executable's path could not be read
};

class TraceLoop {
 public:
  TraceLoop(const Target& target, int recorder, Shared* shared);

  // Seizes all tasks of the target that run; `found`: how many. What is seized when this fails is
  // detached by the kernel at the end of this process, as it is after Run.
  Status Attach(size_t* found);
  // Until it is asked to stop or the last task has ended.
  void Run();

 private:
  struct Task {
    uint32_t slot = Tally::kUnknown;
    Phase phase = Phase::kApplication;
    int base_filters = 0;  // its engine's, carried as it joined
    bool stopped_once = false;
    enum class AtExit : uint8_t { kNothing, kFork, kFilter } at_exit = AtExit::kNothing;
    bool reported = false;  // the child of the fork it is in
    bool untraced = false;  // asked for a child that no tracer is told of
    // Stops where a filter answers TRACE, once a call; false: as it enters and as it exits one.
    bool entry_only = false;
    bool entered = false;  // the call it is in was told as it was entered
  };

  enum class Seized { kNew, kKnown, kGone, kRefused };

  // attach.cc
  Status Scan(size_t* added);
  Status ScanProcess(int pid, size_t* added);
  Status ScanThread(int pid, int tid, size_t* added);
  Seized Seize(int tid, Task task, Status* status);
  Task Found(int pid, int tid);
  void Settle();
  void Rescan();

  // One stop or end; false: there was none. Left to be waited for again (see trace_loop.cc).
  bool Next(bool block);
  void Handle(const siginfo_t& seen);
  void Sweep();
  void Tick();

  void OnEnd(int tid);
  void OnUnknown(int tid, int status);
  void OnStop(int tid, Task* task, int status);
  bool OnCall(int tid, Task* task);
  void OnFork(int tid, Task* task);
  void OnExec(int tid);
  void Watch(Task* task, const tracee::CallStop& call, std::optional<uint64_t> flags);
  // entry_only.cc
  static bool RefuseTrace(int tid, const tracee::CallStop& call);
  bool HoldsForFilter(int tid, Task* task, const tracee::CallStop& call);
  void LeaveEntryOnly(Task* task);
  void Arrived(int tid);
  void Release(int caller);
  void Advance(int tid, Task* task);
  [[nodiscard]] bool BecomesApplication(int tid, const Task& task, int filters,
                                        const std::string& path) const;
  void Adopt(int tid);

  void Insert(int tid, const Task& task);
  void Erase(int tid);
  void SetSlot(Task* task, uint32_t slot, Phase phase);
  void Resume(int tid, int signal) const;
  void ResumeStopped(int tid, int status) const;

  const Target& target_;
  const int recorder_;
  Shared* const shared_;
  const uint32_t outer_mount_namespace_;
  const bool follow_namespaces_;
  const int own_filters_;  // that sysieve gave the target
  bool initial_ = true;    // the first scan: what cannot be seized is an error
  bool rescan_ = false;    // a task stopped first after the last scan
  bool finished_ = false;  // no task is left
  size_t since_sweep_ = 0;
  std::unordered_map<int, Task> tasks_;
  // New tasks that stopped before their parent's fork was told: the status, and ticks since.
  struct Held {
    int status;
    int ticks;
  };
  std::unordered_map<int, Held> held_;
  // Callers of seccomp() that wait until the threads their filter is for stop twice a call.
  struct Barrier {
    std::set<int> threads;
    int ticks;
  };
  std::unordered_map<int, Barrier> barriers_;
  std::set<int> ended_early_;  // ended before their parent's fork was told
  std::set<int> refused_;      // not seized, and counted as lost
};

}  // namespace sysieve

#endif  // SYSIEVE_PTRACE_TRACE_LOOP_H_
