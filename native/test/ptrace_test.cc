// ptrace/ptrace_tracer, on children of this process: whole counts, and nothing left of it.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <string>
#include <thread>
#include <vector>

#include "core/proc.h"
#include "ptrace/ptrace_tracer.h"
#include "test/check.h"
#include "test/target.h"

namespace sysieve::test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kCalls = 500;

sysieve::Target Of(int pid) {
  sysieve::Target target;
  target.pids = {pid};
  target.tracked = {{Abi::kX86_64, SYS_socket, false, {0, 1}, {UINT32_MAX, 0xf}}};
  return target;
}

void WaitForWord() {
  char byte = 0;
  if (read(0, &byte, 1) != 1) _exit(8);
}

void MakeCalls() {
  for (uint64_t i = 0; i < kCalls; i++) syscall(SYS_getpgid, 0);
}

Observation Read(PtraceTracer* tracer) {
  Observation out;
  CHECK_EQ(tracer->Read(&out).detail, "");
  return out;
}

uint64_t CountOf(const Observation& seen, uint32_t number) {
  uint64_t count = 0;
  for (const Call& call : seen.calls) {
    if (call.abi == Abi::kX86_64 && call.number == number) count += call.count;
  }
  return count;
}

bool Untraced(int pid) { return StatusLine(pid, "TracerPid") == "0"; }

TEST(EveryCallOfAProcessToItsEnd) {
  Target target([] {},
                [] {
                  WaitForWord();
                  MakeCalls();
                  close(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
                  _exit(42);
                });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
  CHECK_EQ(tasks, size_t{1});
  CHECK(!Untraced(target.pid()));
  target.Say();
  CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  // Its end is its parent's to know, whoever traced it.
  CHECK_EQ(WEXITSTATUS(target.Wait()), 42);
  const Observation seen = Read(&tracer);
  CHECK_EQ(CountOf(seen, SYS_getpgid), kCalls);
  CHECK_EQ(CountOf(seen, SYS_exit_group), uint64_t{1});
  CHECK_EQ(seen.tuples.size(), size_t{1});
  if (!seen.tuples.empty()) {
    CHECK((seen.tuples[0].values == std::vector<uint64_t>{AF_UNIX, SOCK_STREAM}));
  }
  CHECK_EQ(seen.lost.calls + seen.lost.tasks, uint64_t{0});
  const std::string own = proc::ExecutablePath(getpid());
  CHECK(std::any_of(seen.executables.begin(), seen.executables.end(),
                    [&](const Executable& executable) { return executable.path == own; }));
}

TEST(EveryCallOfItsThreadsAndChildren) {
  Target target([] {},
                [] {
                  WaitForWord();
                  std::array<std::thread, 4> threads;
                  for (std::thread& thread : threads) thread = std::thread(MakeCalls);
                  for (int i = 0; i < 4; i++) {
                    const pid_t child = fork();
                    if (child == 0) {
                      MakeCalls();
                      _exit(0);
                    }
                    waitpid(child, nullptr, 0);
                  }
                  for (std::thread& thread : threads) thread.join();
                  _exit(0);
                });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
  target.Say();
  CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  CHECK_EQ(target.Wait(), 0);
  CHECK_EQ(CountOf(Read(&tracer), SYS_getpgid), 8 * kCalls);
}

TEST(WhatIsDetachedGoesOn) {
  Target target([] {},
                [] {
                  std::thread([] {
                    for (;;) MakeCalls();
                  }).detach();
                  WaitForWord();
                  _exit(7);
                });
  for (int round = Repetitions(100); round > 0; round--) {
    PtraceTracer tracer;
    size_t tasks = 0;
    CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
    CHECK_EQ(tasks, size_t{2});
    if (round % 2 == 0) std::this_thread::sleep_for(1ms);
    if (round % 3 != 0) tracer.Detach();  // else by its destructor
    if (round % 3 == 1) tracer.Detach();
  }
  CHECK(Untraced(target.pid()));
  CHECK(StatusLine(target.pid(), "State")[0] != 't' && StatusLine(target.pid(), "State")[0] != 'T');
  target.Say();
  CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
}

// For the thread sanitizer; and what is read never goes back.
TEST(ReadsWhileItCounts) {
  Target target([] {},
                [] {
                  for (;;) MakeCalls();
                });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
  uint64_t before = 0;
  const auto end = std::chrono::steady_clock::now() + 500ms;
  while (std::chrono::steady_clock::now() < end) {
    const uint64_t now = CountOf(Read(&tracer), SYS_getpgid);
    CHECK(now >= before);
    before = now;
  }
  CHECK(before > 0);
  tracer.Detach();
  const uint64_t last = CountOf(Read(&tracer), SYS_getpgid);
  std::this_thread::sleep_for(20ms);
  CHECK_EQ(CountOf(Read(&tracer), SYS_getpgid), last);
}

TEST(ATargetKilledMeanwhile) {
  for (int round = Repetitions(200); round > 0; round--) {
    Target target([] {},
                  [] {
                    std::thread([] {
                      for (;;) MakeCalls();
                    }).detach();
                    for (;;) MakeCalls();
                  });
    PtraceTracer tracer;
    size_t tasks = 0;
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(round * 97 % 3000));
      kill(target.pid(), SIGKILL);
    });
    const Status status = tracer.Start(Of(target.pid()), &tasks);
    CHECK(status.ok() || status.code == ESRCH);
    killer.join();
    CHECK(WIFSIGNALED(target.Wait()));
    if (status.ok()) CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  }
}

sysieve::Target OfClone3(int pid) {
  sysieve::Target target = Of(pid);
  target.tracked = {{Abi::kX86_64, SYS_clone3, true, {0}, {UINT64_MAX}}};
  return target;
}

uint64_t Unreadable(const Observation& seen) {
  uint64_t count = 0;
  for (const TupleLoss& loss : seen.tuple_losses) {
    if (loss.number == SYS_clone3 && loss.unreadable) count += loss.count;
  }
  return count;
}

bool Declares(const Observation& seen, const std::string& spot) {
  return std::find(seen.blind_spots.begin(), seen.blind_spots.end(), spot) !=
         seen.blind_spots.end();
}

TEST(ATargetThatServesItsOwnMemoryHoldsNobody) {
  Target target([] {},
                [] {
                  void* const page = UnservedPage();
                  if (page == nullptr) _exit(3);
                  std::thread([] {
                    for (;;) MakeCalls();
                  }).detach();
                  WaitForWord();
                  syscall(SYS_clone3, page, 64);
                });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(OfClone3(target.pid()), &tasks).detail, "");
  target.Say();
  CHECK(Eventually(
      [&] { return Unreadable(Read(&tracer)) == 1 || StatusLine(target.pid(), "State").empty(); }));
  if (Read(&tracer).live == 0) SKIP("userfaultfd is not permitted");
  // The other thread goes on being counted, while that one waits for its own page.
  const uint64_t before = CountOf(Read(&tracer), SYS_getpgid);
  CHECK(Eventually([&] { return CountOf(Read(&tracer), SYS_getpgid) > before; }));
  CHECK_EQ(Read(&tracer).lost.tasks, uint64_t{0});
  // Ended in a clone3 that may have asked for a child that no tracer is told of.
  kill(target.pid(), SIGKILL);
  CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  CHECK(WIFSIGNALED(target.Wait()));
  CHECK_EQ(Read(&tracer).lost.tasks, uint64_t{1});
  CHECK(!Declares(Read(&tracer), "tracer-lost"));
}

TEST(WhatItCouldReadIsNoWorstCase) {
  Target target([] {},
                [] {
                  WaitForWord();
                  std::array<uint64_t, 8> arguments{};
                  arguments[4] = SIGCHLD;
                  const long child = syscall(SYS_clone3, arguments.data(), sizeof(arguments));
                  if (child == 0) _exit(0);
                  waitpid(static_cast<pid_t>(child), nullptr, 0);
                });
  PtraceTracer tracer;
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(OfClone3(target.pid()), &tasks).detail, "");
  target.Say();
  CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  CHECK_EQ(target.Wait(), 0);
  CHECK_EQ(CountOf(Read(&tracer), SYS_clone3), uint64_t{1});
  CHECK_EQ(Unreadable(Read(&tracer)), uint64_t{0});
  CHECK_EQ(Read(&tracer).lost.tasks, uint64_t{0});
}

// Sends a signal to the process of a tracer that counts.
void SignalAtWork(PtraceTracer* tracer, int pid, int number) {
  size_t tasks = 0;
  CHECK_EQ(tracer->Start(Of(pid), &tasks).detail, "");
  CHECK(Eventually([&] { return CountOf(Read(tracer), SYS_getpgid) > 0; }));
  kill(atoi(StatusLine(pid, "TracerPid").c_str()), number);
}

TEST(ATracerThatIsStoppedGoesOnAtTheEnd) {
  Target target([] {},
                [] {
                  for (;;) MakeCalls();
                });
  PtraceTracer tracer;
  SignalAtWork(&tracer, target.pid(), SIGSTOP);
  tracer.Detach();
  CHECK(Untraced(target.pid()));
  CHECK_EQ(Read(&tracer).lost.tasks, uint64_t{0});
  CHECK(!Declares(Read(&tracer), "tracer-lost"));
}

TEST(ATracerThatIsKilledIsToldAndWhatItCountedKept) {
  Target target([] {},
                [] {
                  for (;;) MakeCalls();
                });
  PtraceTracer tracer;
  SignalAtWork(&tracer, target.pid(), SIGKILL);
  CHECK(Eventually([&] { return Read(&tracer).live == 0; }));
  tracer.Detach();
  CHECK(CountOf(Read(&tracer), SYS_getpgid) > 0);
  CHECK_EQ(Read(&tracer).lost.tasks, uint64_t{1});
  CHECK(Declares(Read(&tracer), "tracer-lost"));
  CHECK(Untraced(target.pid()));
}

TEST(AnExecveThatDoesNotEndEndsTheStart) {
  HeldExecve target;
  PtraceTracer tracer;
  size_t tasks = 0;
  const Status status = tracer.Start(Of(target.pid()), &tasks);
  CHECK_EQ(status.code, ETIMEDOUT);
  target.LetGo();
  CHECK_EQ(target.Wait(), 0);
}

TEST(OfWhatIsNotThereNothingIsFound) {
  int gone = 0;
  {
    const Target target([] {});
    gone = target.pid();
  }
  PtraceTracer tracer;
  size_t tasks = 7;
  const Status status = tracer.Start(Of(gone), &tasks);
  CHECK(!status.ok() || (tasks == 0 && Eventually([&] { return Read(&tracer).live == 0; })));
  tracer.Detach();
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
