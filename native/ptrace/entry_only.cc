// One stop a call: the target was given a filter that answers TRACE to every call. A filter of its
// own that denies a call is stronger, and no stop would tell of that call. So a task that installs
// one stops as it enters and exits calls from there on; and so does, before it is in place, every
// other thread that it is for.
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

#include "core/proc.h"
#include "ptrace/trace_loop.h"

namespace sysieve {
namespace {

constexpr uint32_t kSeccomp = 317;
constexpr uint32_t kSeccompI386 = 354;
constexpr uint32_t kOwnTrace = 0x5356;  // the data of traceAll() in src/libseccomp/complain.ts

}  // namespace

// A filter of the target's own that answers TRACE means ENOSYS, since nobody traces for it. The
// newest filter's word is told.
bool TraceLoop::RefuseTrace(int tid, const tracee::CallStop& call) {
  if (call.trace_data == kOwnTrace) return false;
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, tid, nullptr, &registers) != 0) return false;
  registers.orig_rax = UINT64_MAX;  // no call
  registers.rax = static_cast<uint64_t>(-ENOSYS);
  return ptrace(PTRACE_SETREGS, tid, nullptr, &registers) == 0;
}

// At a call that may install a filter. True: the task waits for other threads.
bool TraceLoop::HoldsForFilter(int tid, Task* task, const tracee::CallStop& call) {
  const auto operation = static_cast<uint32_t>(call.arguments[0]);
  if (call.number != (call.abi == Abi::kI386 ? kSeccompI386 : kSeccomp)) {
    // prctl cannot install for other threads.
    if (operation == PR_SET_SECCOMP) LeaveEntryOnly(task);
    return false;
  }
  if (operation != SECCOMP_SET_MODE_STRICT && operation != SECCOMP_SET_MODE_FILTER) return false;
  LeaveEntryOnly(task);
  if ((call.arguments[1] & SECCOMP_FILTER_FLAG_TSYNC) == 0) return false;
  const auto about = tracee::ReadStatus(tid);
  if (!about) return false;
  Barrier barrier{{}, 0};
  for (const int thread : proc::Threads(about->process)) {
    const auto other = tasks_.find(thread);
    if (thread == tid || other == tasks_.end() || !other->second.entry_only) continue;
    LeaveEntryOnly(&other->second);
    if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0) barrier.threads.insert(thread);
  }
  if (barrier.threads.empty()) return false;
  // Its stop is not to be told again while it lasts; there is no signal in it to be lost.
  siginfo_t seen{};
  waitid(P_PID, static_cast<id_t>(tid), &seen, WSTOPPED | WNOHANG | __WALL);
  barriers_[tid] = std::move(barrier);
  return true;
}

// Its children inherit that. The filter that it still has goes on answering TRACE after the entry.
void TraceLoop::LeaveEntryOnly(Task* task) { task->entry_only = false; }

// A thread stopped, or ended: from here on it is resumed to stop at both ends of each call.
void TraceLoop::Arrived(int tid) {
  std::vector<int> ready;
  for (auto& [caller, barrier] : barriers_) {
    if (barrier.threads.erase(tid) != 0 && barrier.threads.empty()) ready.push_back(caller);
  }
  for (const int caller : ready) Release(caller);
}

void TraceLoop::Release(int caller) {
  barriers_.erase(caller);
  Resume(caller, 0);
}

}  // namespace sysieve
