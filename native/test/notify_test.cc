// notify/notify_tracer, as the listener of a child's own filter: every notified call is counted and
// let go on.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "core/fd.h"
#include "notify/notify_tracer.h"
#include "test/check.h"
#include "test/target.h"

namespace sysieve::test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kCalls = 500;
constexpr int kListener = 100;  // the descriptor, in the child

// Puts a filter in place that notifies of getpgid, and leaves its listener where it can be taken.
void InstallNotifier() {
  std::array<sock_filter, 4> code = {{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getpgid},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  }};
  const sock_fprog program = {code.size(), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(99);
  const long fd =
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (fd < 0 || dup2(static_cast<int>(fd), kListener) != kListener) _exit(99);
  close(static_cast<int>(fd));
}

UniqueFd TakeListener(int pid) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_getfd, process.get(), kListener, 0)));
}

void WaitForWord() {
  char byte = 0;
  if (read(0, &byte, 1) != 1) _exit(8);
  // The last descriptor of a listener is the tracer's.
  close(kListener);
}

// 0, or the errno of the first that failed.
int MakeCalls() {
  for (uint64_t i = 0; i < kCalls; i++) {
    if (syscall(SYS_getpgid, 0) < 0) return errno;
  }
  return 0;
}

NotifyTracer Over(int pid) {
  NotifyTracer::Source source;
  source.listener = TakeListener(pid);
  source.container = true;
  return NotifyTracer(std::move(source));
}

sysieve::Target Of(int pid) {
  sysieve::Target target;
  target.setup_pids = {pid};
  return target;
}

// `lost`: at most so many calls, which their tasks took back as they were killed.
uint64_t Calls(NotifyTracer* tracer, int64_t* live = nullptr, uint64_t lost = 0) {
  Observation seen;
  CHECK_EQ(tracer->Read(&seen).detail, "");
  uint64_t count = 0;
  for (const Call& call : seen.calls) {
    CHECK(call.abi == Abi::kX86_64 && call.number == SYS_getpgid);
    count += call.count;
  }
  CHECK(seen.lost.calls <= lost);
  if (live != nullptr) *live = seen.live;
  return count;
}

bool Ended(NotifyTracer* tracer, uint64_t lost = 0) {
  int64_t live = 1;
  Calls(tracer, &live, lost);
  return live == 0;
}

TEST(ATargetThatServesItsOwnMemoryHoldsNobody) {
  Target target(InstallNotifier, [] {
    WaitForWord();
    void* const page = UnservedPage();
    if (page == nullptr) _exit(3);
    syscall(SYS_getpgid, page);
    _exit(42);
  });
  NotifyTracer tracer = Over(target.pid());
  sysieve::Target of = Of(target.pid());
  of.tracked = {{Abi::kX86_64, SYS_getpgid, true, {0}, {UINT64_MAX}}};
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(of, &tasks).detail, "");
  target.Say();
  const int status = target.Wait();
  if (WEXITSTATUS(status) == 3) SKIP("userfaultfd is not permitted");
  CHECK_EQ(WEXITSTATUS(status), 42);
  CHECK(Eventually([&] { return Ended(&tracer); }));
  Observation seen;
  CHECK_EQ(tracer.Read(&seen).detail, "");
  CHECK_EQ(seen.tuple_losses.size(), size_t{1});
  if (!seen.tuple_losses.empty()) CHECK(seen.tuple_losses[0].unreadable);
}

TEST(EveryNotifiedCallOfThreadsAndChildren) {
  Target target(InstallNotifier, [] {
    WaitForWord();
    std::array<std::thread, 4> threads;
    for (std::thread& thread : threads) {
      thread = std::thread([] {
        if (MakeCalls() != 0) _exit(9);
      });
    }
    const pid_t child = fork();
    if (child == 0) _exit(MakeCalls());
    int status = 0;
    waitpid(child, &status, 0);
    for (std::thread& thread : threads) thread.join();
    _exit(status == 0 ? 42 : 9);
  });
  NotifyTracer tracer = Over(target.pid());
  size_t tasks = 0;
  CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
  target.Say();
  // For the thread sanitizer; and what is read never goes back.
  uint64_t before = 0;
  CHECK(Eventually([&] {
    const uint64_t now = Calls(&tracer);
    CHECK(now >= before);
    before = now;
    return Ended(&tracer);
  }));
  CHECK_EQ(WEXITSTATUS(target.Wait()), 42);
  CHECK_EQ(Calls(&tracer), 5 * kCalls);
  tracer.Detach();
}

TEST(GivenUpTheCallsAnswerEnosys) {
  for (int round = Repetitions(200); round > 0; round--) {
    Target target(InstallNotifier, [] {
      WaitForWord();
      for (;;) {
        if (const int error = MakeCalls(); error != 0) _exit(error == ENOSYS ? 7 : 9);
      }
    });
    {
      NotifyTracer tracer = Over(target.pid());
      size_t tasks = 0;
      CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
      target.Say();
      CHECK(Eventually([&] { return Calls(&tracer) > 0; }));
      std::this_thread::sleep_for(std::chrono::microseconds(round * 97 % 3000));
      if (round % 2 == 0) tracer.Detach();  // else by its destructor
      if (round % 4 == 0) tracer.Detach();
    }
    CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
  }
}

TEST(ATargetKilledMeanwhile) {
  for (int round = Repetitions(200); round > 0; round--) {
    Target target(InstallNotifier, [] {
      WaitForWord();
      std::thread([] {
        while (MakeCalls() == 0) continue;
      }).detach();
      while (MakeCalls() == 0) continue;
    });
    NotifyTracer tracer = Over(target.pid());
    size_t tasks = 0;
    CHECK_EQ(tracer.Start(Of(target.pid()), &tasks).detail, "");
    target.Say();
    std::this_thread::sleep_for(std::chrono::microseconds(round * 97 % 3000));
    kill(target.pid(), SIGKILL);
    CHECK(WIFSIGNALED(target.Wait()));
    // One of each thread.
    CHECK(Eventually([&] { return Ended(&tracer, 2); }));
  }
}

TEST(WhatIsNoListenerIsRefused) {
  size_t tasks = 0;
  NotifyTracer none{{}};
  CHECK_EQ(none.Start(Of(getpid()), &tasks).code, EINVAL);
  NotifyTracer::Source source;
  source.listener = UniqueFd(dup(1));
  source.container = true;
  NotifyTracer wrong(std::move(source));
  CHECK(!wrong.Start(Of(getpid()), &tasks).ok());
  wrong.Detach();
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
