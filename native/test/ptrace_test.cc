// The ptrace tracer on targets that are children of this very process, without Node.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ptrace/ptrace_tracer.h"
#include "test/check.h"

namespace sysieve::test {
namespace {

void Pause(int ms) {
  const timespec time{0, ms * 1'000'000L};
  nanosleep(&time, nullptr);
}

// A child that runs `body` once it is told to.
class Child {
 public:
  explicit Child(const std::function<void()>& body) {
    CHECK(pipe(gate_) == 0);
    pid_ = fork();
    if (pid_ != 0) return;
    char byte = 0;
    if (read(gate_[0], &byte, 1) == 1) body();
    _exit(7);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    close(gate_[0]);
    close(gate_[1]);
  }
  void Go() { CHECK(write(gate_[1], "x", 1) == 1); }
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return status;
  }
  [[nodiscard]] int pid() const { return pid_; }

 private:
  int gate_[2] = {-1, -1};
  int pid_ = -1;
};

std::string TracerOf(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("TracerPid:")) return line.substr(line.rfind('\t') + 1);
  }
  return "";
}

uint64_t Count(const Observation& seen, uint32_t number) {
  uint64_t sum = 0;
  for (const Call& call : seen.calls) {
    if (call.number == number && call.abi == Abi::kX86_64) sum += call.count;
  }
  return sum;
}

Target Of(int pid) {
  Target target;
  target.pids = {pid};
  return target;
}

void Repeat(int count) {
  for (int i = 0; i < count; i++) syscall(SYS_getppid);
}

TEST(EveryCallOfThreadsAndChildrenIsCounted) {
  Child child([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) threads.emplace_back([] { Repeat(200); });
    for (std::thread& thread : threads) thread.join();
    for (int i = 0; i < 8; i++) {
      const int pid = fork();
      if (pid == 0) {
        Repeat(100);
        _exit(0);
      }
      waitpid(pid, nullptr, 0);
    }
  });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK(tracer.Start(Of(child.pid()), &tasks).ok());
  CHECK_EQ(tasks, size_t{1});
  child.Go();
  // Read while it counts: the two share memory.
  for (int i = 0; i < 20; i++) {
    Observation seen;
    CHECK(tracer.Read(&seen).ok());
    Pause(5);
  }
  CHECK_EQ(WEXITSTATUS(child.Wait()), 7);
  tracer.Detach();
  Observation seen;
  CHECK(tracer.Read(&seen).ok());
  CHECK_EQ(Count(seen, SYS_getppid), uint64_t{8 * 200 + 8 * 100});
  CHECK_EQ(seen.lost.tasks + seen.lost.calls, uint64_t{0});
}

TEST(DetachingLeavesTheTargetRunning) {
  Child child([] { Repeat(1000); });
  {
    PtraceTracer tracer;
    size_t tasks = 0;
    CHECK(tracer.Start(Of(child.pid()), &tasks).ok());
    CHECK(TracerOf(child.pid()) != "0");
    // One at a time, and the second leaves the first alone.
    PtraceTracer second;
    const Status status = second.Start(Of(child.pid()), &tasks);
    CHECK_EQ(status.code, EBUSY);
    CHECK(status.detail.find("traces it already") != std::string::npos);
    CHECK(TracerOf(child.pid()) != "0");
  }
  CHECK_EQ(TracerOf(child.pid()), std::string("0"));
  child.Go();
  CHECK_EQ(WEXITSTATUS(child.Wait()), 7);
}

TEST(AttachingManyTimesLeavesNothingBehind) {
  Child child([] { Repeat(10); });
  for (int i = 0; i < Repetitions(100); i++) {
    PtraceTracer tracer;
    size_t tasks = 0;
    CHECK(tracer.Start(Of(child.pid()), &tasks).ok());
  }
  child.Go();
  CHECK_EQ(WEXITSTATUS(child.Wait()), 7);
  // No process of a tracer is left to be waited for.
  CHECK(waitpid(-1, nullptr, __WALL | WNOHANG) == -1 && errno == ECHILD);
}

TEST(AProcessThatIsNotThereIsNotFound) {
  Child child([] {});
  child.Go();
  const int pid = child.pid();
  child.Wait();
  PtraceTracer tracer;
  size_t tasks = 1;
  CHECK(tracer.Start(Of(pid), &tasks).ok());
  CHECK_EQ(tasks, size_t{0});
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
