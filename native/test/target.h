// Processes for the tests to look at, and what /proc says of them.
#ifndef SYSIEVE_TEST_TARGET_H_
#define SYSIEVE_TEST_TARGET_H_

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "core/fd.h"
#include "core/proc.h"
#include "test/check.h"

namespace sysieve::test {

// A line of /proc/PID/status, without its key; empty when the process is gone.
inline std::string StatusLine(int pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":\t", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

inline bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; i++) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// A child process that does `prepare`, says so, and then `live`.
class Target {
 public:
  explicit Target(const std::function<void()>& prepare, const std::function<void()>& live = Sleep) {
    std::array<int, 2> ready{};
    std::array<int, 2> input{};
    CHECK(pipe(ready.data()) == 0 && pipe(input.data()) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(ready[0]);
      close(input[1]);
      dup2(input[0], 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      prepare();
      if (write(ready[1], "", 1) != 1) _exit(98);
      live();
      _exit(0);
    }
    close(ready[1]);
    close(input[0]);
    input_ = UniqueFd(input[1]);
    const UniqueFd from(ready[0]);
    char byte = 0;
    CHECK_EQ(read(from.get(), &byte, 1), ssize_t{1});
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    Wait();
  }

  static void Sleep() {
    for (;;) pause();
  }

  [[nodiscard]] int pid() const { return pid_; }
  // To the process's standard input.
  void Say() const { CHECK_EQ(write(input_.get(), "x", 1), ssize_t{1}); }
  // The wait status of its end. A stop is its tracer's, which may be a thread of this process.
  int Wait() {
    int status = -1;
    do {
      CHECK_EQ(waitpid(pid_, &status, 0), pid_);
    } while (WIFSTOPPED(status));
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
};

// A page of this process that nobody fills: whoever touches it in the kernel waits for a handler of
// faults (userfaultfd) that does nothing. Null: that is not permitted here.
inline void* UnservedPage() {
  const int handler = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC));
  if (handler < 0) return nullptr;
  uffdio_api api{UFFD_API, 0, 0};
  const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* const page =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uffdio_register all{{reinterpret_cast<uintptr_t>(page), bytes}, UFFDIO_REGISTER_MODE_MISSING, 0};
  const bool good = page != MAP_FAILED && ioctl(handler, UFFDIO_API, &api) == 0 &&
                    ioctl(handler, UFFDIO_REGISTER, &all) == 0;
  // Open as long as the process is: closed, it would give the page back.
  return good ? page : nullptr;
}

// A process in the middle of an execve that does not end: a thread of it is held at its own end by
// a third process, that traces it. Whoever wants to trace it waits for that.
class HeldExecve {
 public:
  explicit HeldExecve(const std::function<void()>& prepare = [] {})
      : target_(
            [&prepare] {
              prepare();
              std::thread(Target::Sleep).detach();
            },
            [] {
              char byte = 0;
              if (read(0, &byte, 1) == 1) execl("/bin/true", "true", nullptr);
              _exit(9);
            }) {
    int thread = 0;
    for (const int tid : proc::Threads(target_.pid())) thread = std::max(thread, tid);
    CHECK(thread > target_.pid());
    holder_.emplace([thread] {
      if (ptrace(PTRACE_SEIZE, thread, nullptr, PTRACE_O_TRACEEXIT) != 0) _exit(97);
    });
    target_.Say();
    CHECK(Eventually([&] { return StatusLine(pid(), "State")[0] == 'D'; }));
  }

  [[nodiscard]] int pid() const { return target_.pid(); }
  void LetGo() { holder_.reset(); }
  int Wait() { return target_.Wait(); }

 private:
  Target target_;
  std::optional<Target> holder_;
};

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_TARGET_H_
