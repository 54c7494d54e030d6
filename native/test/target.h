// Processes for the tests to look at, and what /proc says of them.
#ifndef SYSIEVE_TEST_TARGET_H_
#define SYSIEVE_TEST_TARGET_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "core/fd.h"
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
  // The wait status.
  int Wait() {
    int status = -1;
    CHECK_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
};

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_TARGET_H_
