#include "ptrace/own_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sysieve {
namespace {

constexpr size_t kStackBytes = size_t{1} << 20;
constexpr size_t kGuardBytes = 65536;

void Nothing(int) {}

// The signal table is a copy: nothing of this reaches the recorder.
void SetSignals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  // Stops of tracees wake a wait all the same, and cost no signal each.
  action.sa_flags = SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
  action.sa_handler = Nothing;
  action.sa_flags = 0;  // no SA_RESTART: a tick ends a wait
  sigaction(SIGALRM, &action, nullptr);
  sigset_t tick;
  sigemptyset(&tick);
  sigaddset(&tick, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &tick, nullptr);
  const itimerval every{{0, OwnProcess::kTickMs * 1000}, {0, OwnProcess::kTickMs * 1000}};
  setitimer(ITIMER_REAL, &every, nullptr);
}

// The descriptors are a copy too; kept, they would hold open what the recorder closes.
void CloseDescriptors() {
  if (syscall(__NR_close_range, 0U, ~0U, 0U) != 0) {  // before Linux 5.9
    const long limit = sysconf(_SC_OPEN_MAX);
    for (int fd = 0; fd < limit; fd++) close(fd);
  }
  // What a library may write to the standard descriptors must not reach a file of /proc.
  for (int fd = open("/dev/null", O_RDWR); fd >= 0 && fd < 2;) fd = dup(fd);
}

}  // namespace

int OwnProcess::Main(void* self) {
  auto* const own = static_cast<OwnProcess*>(self);
  // Sent when the thread that hosts this process ends, which it does only with the recorder.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(2);
  if (getppid() != own->recorder_) _exit(2);
  CloseDescriptors();
  SetSignals();
  own->body_();
  _exit(0);
}

void OwnProcess::Spawn() {
  void* const stack = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  int error = stack == MAP_FAILED ? errno : 0;
  pid_t pid = -1;
  if (error == 0) {
    mprotect(stack, kGuardBytes, PROT_NONE);
    // Thread-local storage is this thread's: it does nothing but wait until the process is gone.
    // No exit signal: libuv has no business with this child.
    pid = clone(Main, static_cast<char*>(stack) + kStackBytes + kGuardBytes, CLONE_VM, this);
    if (pid < 0) error = errno;
  }
  {
    const std::lock_guard lock(mutex_);
    tried_ = true;
    error_ = error;
    pid_ = std::max(pid, 0);
    // Under the lock: nothing of this thread's storage is touched after it.
    changed_.notify_all();
  }
  if (pid < 0) {
    if (stack != MAP_FAILED) munmap(stack, kStackBytes + kGuardBytes);
    return;
  }
  siginfo_t seen{};
  while (waitid(P_PID, static_cast<id_t>(pid), &seen, WEXITED | WNOWAIT | __WALL) != 0 &&
         errno == EINTR) {
    continue;
  }
  {
    // Its id is another's as soon as it is waited for.
    const std::lock_guard lock(mutex_);
    pid_ = 0;
    waitpid(pid, nullptr, __WALL);
  }
  const bool clean = seen.si_code == CLD_EXITED && seen.si_status == 0;
  // One that was killed never left its frames, which the address sanitizer would hold against the
  // next one in their place.
  if (clean) munmap(stack, kStackBytes + kGuardBytes);
  ended_(clean);
  const std::lock_guard lock(mutex_);
  gone_ = true;
  changed_.notify_all();
}

void* OwnProcess::Host(void* self) {
  prctl(PR_SET_NAME, "sysieve-ptrace");
  static_cast<OwnProcess*>(self)->Spawn();
  return nullptr;
}

Status OwnProcess::Start(std::function<void()> body, std::function<void(bool)> ended) {
  body_ = std::move(body);
  ended_ = std::move(ended);
  recorder_ = getpid();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&host_, nullptr, Host, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return Status::Error(error, "start the tracer's thread");
  hosted_ = true;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return tried_; });
  if (error_ != 0) return Status::Error(error_, "start the tracer's process");
  return Status::Ok();
}

void OwnProcess::Signal(int number) {
  const std::lock_guard lock(mutex_);
  if (pid_ > 0) kill(pid_, number);
}

bool OwnProcess::Gone(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] { return gone_ || error_ != 0; });
}

bool OwnProcess::End(std::chrono::milliseconds patience) {
  if (!hosted_) return true;
  bool gone = Gone(patience);
  for (const int number : {SIGCONT, SIGKILL}) {
    if (gone) break;
    Signal(number);
    gone = Gone(kGrace);
  }
  if (gone) {
    pthread_join(host_, nullptr);
  } else {
    pthread_detach(host_);
  }
  hosted_ = false;
  return gone;
}

}  // namespace sysieve
