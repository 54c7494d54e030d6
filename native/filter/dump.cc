#include "filter/dump.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace sysieve::filter {
namespace {

using Clock = std::chrono::steady_clock;

// Not in every libc's sys/ptrace.h.
constexpr auto kGetFilter = static_cast<__ptrace_request>(0x420c);
constexpr int kEventStop = 128;  // PTRACE_EVENT_STOP

// /proc/TID/status, as far as it matters here.
struct TaskStatus {
  char state = '?';
  int process = 0;
  int tracer = 0;
  int seccomp = -1;  // SECCOMP_MODE_*; -1: the kernel has none
  uint64_t effective = 0;
};

std::optional<TaskStatus> ReadStatus(const std::string& task) {
  std::ifstream file("/proc/" + task + "/status");
  TaskStatus out;
  bool any = false;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    const char* const value = line.c_str() + std::min(line.size(), colon + 2);
    any = true;
    if (key == "State") out.state = *value;
    if (key == "Tgid") out.process = atoi(value);
    if (key == "TracerPid") out.tracer = atoi(value);
    if (key == "Seccomp") out.seccomp = atoi(value);
    if (key == "CapEff") out.effective = strtoull(value, nullptr, 16);
  }
  // The task ended between the open and the read.
  if (!any) return std::nullopt;
  return out;
}

bool Ended(const TaskStatus& status) { return status.state == 'Z' || status.state == 'X'; }

Status Fail(int code, int tid, const std::string& detail) {
  return Status::Error(code, "read the seccomp filters of " + std::to_string(tid), detail);
}

Status FailEnded(int tid, const std::optional<TaskStatus>& status) {
  if (!status) return Fail(ESRCH, tid, "there is no such process");
  return Fail(ESRCH, tid, "its main thread has ended");
}

// What a task's own state says against it, before anything is done to it.
Status Preclude(int tid) {
  const std::optional<TaskStatus> status = ReadStatus(std::to_string(tid));
  if (tid <= 0 || !status || Ended(*status)) return FailEnded(tid, status);
  if (status->seccomp < 0) return Fail(ENOSYS, tid, "the kernel has no seccomp");
  if (status->seccomp == SECCOMP_MODE_DISABLED) return Fail(ENOENT, tid, "it runs under none");
  if (status->seccomp == SECCOMP_MODE_STRICT) {
    return Fail(EOPNOTSUPP, tid, "it is in strict mode, which has no filter");
  }
  if (status->process == getpid()) return Fail(EPERM, tid, "it is the process that asks");
  if (status->tracer != 0) {
    return Fail(EBUSY, tid, "task " + std::to_string(status->tracer) + " traces it already");
  }
  const std::optional<TaskStatus> own = ReadStatus("thread-self");
  if (own && own->seccomp > 0) return Fail(EACCES, tid, "the caller runs under seccomp itself");
  if (own && (own->effective >> CAP_SYS_ADMIN & 1) == 0) {
    return Fail(EACCES, tid, "the caller has no CAP_SYS_ADMIN");
  }
  return Status::Ok();
}

Status FailSeize(int tid, int code) {
  const std::optional<TaskStatus> status = ReadStatus(std::to_string(tid));
  if (code == ESRCH || !status || Ended(*status)) return FailEnded(tid, status);
  if (status->tracer != 0) {
    return Fail(EBUSY, tid, "task " + std::to_string(status->tracer) + " traces it already");
  }
  return Fail(code, tid, "PTRACE_SEIZE");
}

// The calling thread's tracee. A thread that ends detaches what is left of them.
class Tracee {
 public:
  explicit Tracee(int tid) : tid_(tid) {}

  Status Stop();
  Status Read(std::vector<ProgramBytes>* out) const;
  // Needs a stop. A signal that was on its way to the task goes on.
  void Detach() const { ptrace(PTRACE_DETACH, tid_, nullptr, pending_signal_); }

 private:
  int tid_;
  intptr_t pending_signal_ = 0;
};

Status Tracee::Stop() {
  if (ptrace(PTRACE_SEIZE, tid_, nullptr, nullptr) != 0) return FailSeize(tid_, errno);
  if (ptrace(PTRACE_INTERRUPT, tid_, nullptr, nullptr) != 0) {
    return FailEnded(tid_, ReadStatus(std::to_string(tid_)));
  }
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(kStopMs);
  constexpr std::chrono::microseconds kLongest{5000};
  for (std::chrono::microseconds pause{20};; pause = std::min(pause * 2, kLongest)) {
    siginfo_t seen{};
    // WNOWAIT: the exit status of a task that dies now is its real parent's, which may be a part of
    // this very process.
    const int options = WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL | __WNOTHREAD;
    const int result = waitid(P_PID, static_cast<id_t>(tid_), &seen, options);
    if (result == 0 && seen.si_pid == tid_ && seen.si_code == CLD_TRAPPED) {
      // Either the stop that was asked for, which is an event and tells a group stop as well, or
      // the delivery of a signal that came first: every ptrace stop will do.
      if (seen.si_status >> 8 != kEventStop) pending_signal_ = seen.si_status & 0xff;
      return Status::Ok();
    }
    const bool gone = (result != 0 && errno == ECHILD) || (result == 0 && seen.si_pid == tid_);
    if (gone) return Fail(ESRCH, tid_, "it ended meanwhile");
    if (pause == kLongest) {
      // The main thread of a process whose other threads live on tells no one that it ended.
      const std::optional<TaskStatus> status = ReadStatus(std::to_string(tid_));
      if (!status || Ended(*status)) return FailEnded(tid_, status);
      if (Clock::now() > deadline) {
        return Fail(ETIMEDOUT, tid_,
                    std::string("it does not stop; its state is ") + status->state);
      }
    }
    std::this_thread::sleep_for(pause);
  }
}

Status Tracee::Read(std::vector<ProgramBytes>* out) const {
  std::vector<sock_filter> program(BPF_MAXINSNS);
  // The kernel numbers the filters from the oldest on.
  for (uintptr_t index = 0;; index++) {
    const long length = ptrace(kGetFilter, tid_, index, program.data());
    if (length >= 0) {
      const auto* const bytes = reinterpret_cast<const uint8_t*>(program.data());
      out->emplace_back(bytes, bytes + static_cast<size_t>(length) * sizeof(sock_filter));
      continue;
    }
    const int code = errno;
    const std::string which = "filter " + std::to_string(index);
    switch (code) {
      case ENOENT:
        return Status::Ok();
      case ESRCH:
        return Fail(ESRCH, tid_, "it ended meanwhile");
      case EACCES:
        return Fail(EACCES, tid_, "the caller has no CAP_SYS_ADMIN on the host");
      case EMEDIUMTYPE:
        return Fail(EMEDIUMTYPE, tid_, which + " is no classic BPF");
      case EINVAL:  // it was under a filter a moment ago
      case EIO:
        return Fail(ENOSYS, tid_, "the kernel has no CONFIG_CHECKPOINT_RESTORE");
      default:
        return Fail(code, tid_, which);
    }
  }
}

struct Job {
  explicit Job(int given) : tid(given) {}

  const int tid;
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::vector<ProgramBytes> programs;
  Status status;
};

void* Work(void* argument) {
  const std::unique_ptr<std::shared_ptr<Job>> given(static_cast<std::shared_ptr<Job>*>(argument));
  Job& job = **given;
  std::vector<ProgramBytes> programs;
  Tracee tracee(job.tid);
  Status status = tracee.Stop();
  if (status.ok()) {
    status = tracee.Read(&programs);
    tracee.Detach();
  }
  const std::lock_guard lock(job.mutex);
  job.programs = std::move(programs);
  job.status = std::move(status);
  job.done = true;
  job.changed.notify_all();
  return nullptr;
}

// A ptrace relation belongs to a thread: one of its own ends with it, whatever happened. It is not
// waited for without a limit: seizing waits for an execve that the task is in the middle of, and
// that may wait for a file system of the task's own. The thread is left behind then.
Status RunOnThread(const std::shared_ptr<Job>& job) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  auto given = std::make_unique<std::shared_ptr<Job>>(job);
  // The process's signal handlers have no business on that thread.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, Work, given.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return Fail(error, job->tid, "pthread_create");
  static_cast<void>(given.release());
  std::unique_lock lock(job->mutex);
  constexpr std::chrono::milliseconds kPatience{kStopMs + 2000};
  if (!job->changed.wait_for(lock, kPatience, [&] { return job->done; })) {
    pthread_detach(thread);
    return Fail(ETIMEDOUT, job->tid, "it is in the middle of an execve that does not end");
  }
  lock.unlock();
  pthread_join(thread, nullptr);
  return job->status;
}

}  // namespace

Status Dump(int tid, std::vector<ProgramBytes>* out) {
  out->clear();
  if (Status status = Preclude(tid); !status.ok()) return status;
  const auto job = std::make_shared<Job>(tid);
  if (Status status = RunOnThread(job); !status.ok()) return status;
  *out = std::move(job->programs);
  return Status::Ok();
}

}  // namespace sysieve::filter
