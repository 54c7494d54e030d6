// A process of its own that shares this one's memory: ptrace stops of its tracees are nobody else's
// to wait for, and the kernel detaches them all when it ends, however it ends.
#ifndef SYSIEVE_PTRACE_OWN_PROCESS_H_
#define SYSIEVE_PTRACE_OWN_PROCESS_H_

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
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
  // Waits for the end: whoever owns it has asked the body for it before.
  ~OwnProcess() { Join(); }

  // `body` runs in the process: all signals blocked, no descriptors, SIGALRM every kTickMs to break
  // off a wait. It must not throw. `ended` is called here, on another thread, when the process is
  // gone, with whether it ended of itself. Once.
  Status Start(std::function<void()> body, std::function<void(bool)> ended);
  void Join();

  static constexpr int kTickMs = 20;

 private:
  static void* Host(void* self);
  static int Main(void* self);
  void Spawn();

  std::function<void()> body_;
  std::function<void(bool)> ended_;
  pthread_t host_{};
  bool hosted_ = false;
  pid_t recorder_ = 0;
  std::mutex mutex_;
  std::condition_variable spawned_;
  bool tried_ = false;
  int error_ = 0;
};

}  // namespace sysieve

#endif  // SYSIEVE_PTRACE_OWN_PROCESS_H_
