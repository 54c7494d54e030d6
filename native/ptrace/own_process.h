// A process of its own that shares this one's memory: ptrace stops of its tracees are nobody else's
// to wait for, and the kernel detaches them all when it ends, however it ends. Whoever owns it
// never waits for it without a limit: what it traces may hold it up in the kernel.
#ifndef SYSIEVE_PTRACE_OWN_PROCESS_H_
#define SYSIEVE_PTRACE_OWN_PROCESS_H_

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "core/status.h"

namespace sysieve {

class OwnProcess {
 public:
  OwnProcess() = default;
  OwnProcess(const OwnProcess&) = delete;
  OwnProcess& operator=(const OwnProcess&) = delete;
  // Ended, or never started: see End().
  ~OwnProcess() = default;

  // `body` runs in the process: all signals blocked, no descriptors, SIGALRM every kTickMs to break
  // off a wait. It must not throw. `ended` is called here, on another thread, when the process is
  // gone, with whether it ended of itself. Once.
  Status Start(std::function<void()> body, std::function<void(bool)> ended);

  // Waits until it is gone; whoever owns it has asked the body for that before. One that is there
  // still after `patience` is continued, in case somebody stopped it, and after kGrace killed.
  // False: it is there kGrace later, waiting in the kernel for what no signal ends. It and its host
  // thread are left behind then, and `this` and all that body and `ended` use must stay as they
  // are.
  [[nodiscard]] bool End(std::chrono::milliseconds patience);
  // In case somebody stopped it.
  void Continue() { Signal(SIGCONT); }

  static constexpr int kTickMs = 20;
  static constexpr std::chrono::milliseconds kGrace{1000};

 private:
  static void* Host(void* self);
  static int Main(void* self);
  void Spawn();
  void Signal(int number);
  bool Gone(std::chrono::milliseconds patience);

  std::function<void()> body_;
  std::function<void(bool)> ended_;
  pthread_t host_{};
  bool hosted_ = false;
  pid_t recorder_ = 0;
  std::mutex mutex_;  // never taken by the process itself, which may be killed at any moment
  std::condition_variable changed_;
  pid_t pid_ = 0;  // 0: not there yet, or waited for
  bool tried_ = false;
  bool gone_ = false;
  int error_ = 0;
};

}  // namespace sysieve

#endif  // SYSIEVE_PTRACE_OWN_PROCESS_H_
