// filter/dump, on processes in every state.
#include "filter/dump.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "core/fd.h"
#include "test/check.h"
#include "test/random_program.h"
#include "test/target.h"

namespace sysieve::test {
namespace {

using filter::Dump;
using filter::ProgramBytes;
using namespace std::chrono_literals;

const char* const kNeedsRoot = "needs root";

sock_filter Op(uint32_t code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {static_cast<__u16>(code), jt, jf, k};
}

// Lets everything pass; `mark` tells one from another.
Instructions Marked(uint32_t mark) {
  return {Op(BPF_LD | BPF_IMM, mark), Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
}

// Lets everything pass, with any program behind that.
Instructions Harmless(const Instructions& body) {
  Instructions out = {Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

void Install(const Instructions& program) {
  const sock_fprog described = {static_cast<unsigned short>(program.size()),
                                const_cast<sock_filter*>(program.data())};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &described) != 0) {
    _exit(99);
  }
}

ProgramBytes Bytes(const Instructions& program) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(program.data());
  return {bytes, bytes + program.size() * sizeof(sock_filter)};
}

int Code(int pid) {
  std::vector<ProgramBytes> out = {{1}};
  const Status status = Dump(pid, &out);
  CHECK(status.ok() || out.empty());
  return status.code;
}

// What Dump says to another caller, a child that has done `change`.
int CodeFor(const std::function<void()>& change, int pid) {
  const pid_t caller = fork();
  if (caller == 0) {
    change();
    std::vector<ProgramBytes> out;
    _exit(Dump(pid, &out).code);
  }
  int status = 0;
  waitpid(caller, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void DropCapability(int capability) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  syscall(SYS_capget, &header, data.data());
  data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
  syscall(SYS_capset, &header, data.data());
}

TEST(TheWholeStackOldestFirst) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Random random(4);
  for (int round = Repetitions(300); round > 0; round--) {
    std::vector<Instructions> stack(1 + random.Below(8));
    for (Instructions& program : stack) {
      program = Harmless(RandomBody(&random, random.Chance(4) ? 3500 : 30));
    }
    const Target target([&] {
      for (const Instructions& program : stack) Install(program);
    });
    std::vector<ProgramBytes> out;
    CHECK_EQ(Dump(target.pid(), &out).detail, "");
    CHECK_EQ(out.size(), stack.size());
    for (size_t i = 0; i < stack.size() && i < out.size(); i++) CHECK(out[i] == Bytes(stack[i]));
    CHECK_EQ(StatusLine(target.pid(), "TracerPid"), "0");
  }
}

TEST(TheLongestProgram) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  const Instructions program(BPF_MAXINSNS, Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const Target target([&] { Install(program); });
  std::vector<ProgramBytes> out;
  CHECK_EQ(Dump(target.pid(), &out).detail, "");
  CHECK(out.size() == 1 && out[0] == Bytes(program));
}

TEST(ABlockedReadGoesOn) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Target target([] { Install(Marked(1)); },
                [] {
                  char byte = 0;
                  _exit(read(0, &byte, 1) == 1 ? 7 : 8);
                });
  CHECK(Eventually([&] { return StatusLine(target.pid(), "State")[0] == 'S'; }));
  for (int i = 0; i < 20; i++) CHECK_EQ(Code(target.pid()), 0);
  target.Say();
  CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
}

TEST(ABusyProcess) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  const Target target([] { Install(Marked(1)); },
                      [] {
                        for (;;) asm volatile("");
                      });
  for (int i = 0; i < 20; i++) CHECK_EQ(Code(target.pid()), 0);
  CHECK_EQ(StatusLine(target.pid(), "State")[0], 'R');
}

TEST(AStoppedProcessStaysStopped) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Target target([] { Install(Marked(1)); },
                [] {
                  char byte = 0;
                  _exit(read(0, &byte, 1) == 1 ? 7 : 8);
                });
  kill(target.pid(), SIGSTOP);
  int status = 0;
  CHECK_EQ(waitpid(target.pid(), &status, WUNTRACED), target.pid());
  CHECK(WIFSTOPPED(status));
  for (int i = 0; i < 20; i++) {
    CHECK_EQ(Code(target.pid()), 0);
    CHECK(Eventually([&] { return StatusLine(target.pid(), "State") == "T (stopped)"; }));
  }
  target.Say();
  std::this_thread::sleep_for(50ms);
  CHECK_EQ(StatusLine(target.pid(), "State"), "T (stopped)");
  kill(target.pid(), SIGCONT);
  CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
}

TEST(EndedAndMissing) {
  CHECK_EQ(Code(0), ESRCH);
  CHECK_EQ(Code(-1), ESRCH);
  CHECK_EQ(Code(INT32_MAX), ESRCH);
  const pid_t child = fork();
  if (child == 0) _exit(5);
  siginfo_t ended{};
  CHECK_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  CHECK_EQ(Code(child), ESRCH);
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK_EQ(WEXITSTATUS(status), 5);
  CHECK_EQ(Code(child), ESRCH);
}

TEST(WithoutAFilter) {
  const Target none([] {});
  CHECK_EQ(Code(none.pid()), ENOENT);
  const Target strict([] {},
                      [] {
                        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
                        for (;;) {
                        }
                      });
  CHECK(Eventually([&] { return StatusLine(strict.pid(), "Seccomp") == "1"; }));
  CHECK_EQ(Code(strict.pid()), EOPNOTSUPP);
}

TEST(TracedByAnother) {
  const Target target([] {
    Install(Marked(1));
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  });
  CHECK_EQ(Code(target.pid()), EBUSY);
}

TEST(WithoutThePrivilege) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  const Target target([] { Install(Marked(1)); });
  CHECK_EQ(CodeFor([] {}, target.pid()), 0);
  CHECK_EQ(CodeFor([] { DropCapability(CAP_SYS_ADMIN); }, target.pid()), EACCES);
  CHECK_EQ(CodeFor([] { Install(Marked(2)); }, target.pid()), EACCES);
  // All of the target's capabilities are permitted to its tracer, so one is missing in another's.
  CHECK_EQ(CodeFor(
               [] {
                 DropCapability(CAP_SYS_PTRACE);
                 (void)setresuid(1, 0, 0);
               },
               target.pid()),
           EPERM);
}

// The calling process is no target of its own, but its child is.
TEST(ItselfIsRefused) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  const pid_t child = fork();
  if (child == 0) {
    Install(Marked(1));
    std::vector<ProgramBytes> out;
    _exit(Dump(getpid(), &out).code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_EQ(WEXITSTATUS(status), EPERM);
}

// Shared between a target and its test.
struct Shared {
  std::atomic<int> other;
  std::atomic<int> count;
};

Shared* Share() {
  void* const at =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (at) Shared{};
}

TEST(ThreadsHaveTheirOwn) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Shared* const shared = Share();
  const Target target([] { Install(Marked(1)); },
                      [shared] {
                        std::thread([shared] {
                          Install(Marked(2));
                          shared->other = static_cast<int>(syscall(SYS_gettid));
                          Target::Sleep();
                        }).detach();
                        char byte = 0;
                        if (read(0, &byte, 1) == 1) syscall(SYS_exit, 0);  // the main thread alone
                      });
  CHECK(Eventually([&] { return shared->other != 0; }));
  std::vector<ProgramBytes> out;
  CHECK_EQ(Dump(target.pid(), &out).detail, "");
  CHECK_EQ(out.size(), size_t{1});
  CHECK_EQ(Dump(shared->other, &out).detail, "");
  CHECK_EQ(out.size(), size_t{2});
  target.Say();
  CHECK(Eventually([&] { return StatusLine(target.pid(), "State")[0] == 'Z'; }));
  CHECK_EQ(Dump(target.pid(), &out).detail, "its main thread has ended");
  CHECK_EQ(Dump(shared->other, &out).detail, "");
  CHECK_EQ(out.size(), size_t{2});
  CHECK(out[1] == Bytes(Marked(2)));
}

TEST(NoSignalIsLost) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
#ifdef __SANITIZE_THREAD__
  SKIP(
      "the thread sanitizer puts off handlers, and of the signals meanwhile it keeps one of a "
      "kind");
#endif
  static Shared* const shared = Share();
  const Target target([] {
    Install(Marked(1));
    struct sigaction action {};
    action.sa_handler = [](int) { shared->count++; };
    sigaction(SIGRTMIN, &action, nullptr);
  });
  constexpr int kSignals = 5000;
  std::atomic<bool> sent = false;
  std::thread sender([&] {
    for (int i = 0; i < kSignals; i++) {
      while (sigqueue(target.pid(), SIGRTMIN, {}) != 0) std::this_thread::sleep_for(1ms);
      if (i % 8 == 0) std::this_thread::sleep_for(100us);
    }
    sent = true;
  });
  int dumps = 0;
  while (!sent) {
    CHECK_EQ(Code(target.pid()), 0);
    dumps++;
  }
  sender.join();
  CHECK(dumps > 10);
  CHECK(Eventually([&] { return shared->count == kSignals; }));
}

// Its parent, here the very process that dumps, still learns how a process ended.
TEST(EndingMeanwhile) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Random random(5);
  int ended = 0;
  for (int round = Repetitions(1000); round > 0; round--) {
    const bool killed = random.Chance(2);
    Target target([] { Install(Marked(1)); },
                  [] {
                    char byte = 0;
                    _exit(read(0, &byte, 1) == 1 ? 42 : 8);
                  });
    const auto delay = std::chrono::microseconds(random.Below(400));
    std::thread end([&] {
      std::this_thread::sleep_for(delay);
      if (killed) {
        kill(target.pid(), SIGKILL);
      } else {
        target.Say();
      }
    });
    int code = 0;
    while (code == 0) code = Code(target.pid());
    end.join();
    CHECK_EQ(code, ESRCH);
    const int status = target.Wait();
    if (killed) {
      CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    } else {
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    ended++;
  }
  CHECK(ended >= 10);
}

// Waits for a child of vfork that lives until it is spoken to: no signal but SIGKILL reaches it.
void WaitForVfork() {
  char byte = 0;
  // As vfork(2), without its sharing of memory.
  const long child = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (child == 0) {
    _exit(read(0, &byte, 1) == 1 ? 0 : 1);
  }
  _exit(7);
}

TEST(WhatDoesNotStopIsGivenUp) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Target target([] { Install(Marked(1)); }, WaitForVfork);
  CHECK(Eventually([&] { return StatusLine(target.pid(), "State")[0] == 'D'; }));
  const auto start = std::chrono::steady_clock::now();
  std::vector<ProgramBytes> out;
  const Status status = Dump(target.pid(), &out);
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK_EQ(status.code, ETIMEDOUT);
  CHECK_EQ(status.detail, "it does not stop; its state is D");
  CHECK(took >= std::chrono::milliseconds(filter::kStopMs));
  CHECK(took < std::chrono::milliseconds(2 * filter::kStopMs));
  CHECK(Eventually([&] { return StatusLine(target.pid(), "TracerPid") == "0"; }));
  target.Say();
  CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
}

TEST(AnExecveThatDoesNotEndIsGivenUp) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  HeldExecve target([] { Install(Marked(1)); });
  std::vector<ProgramBytes> out;
  const Status status = Dump(target.pid(), &out);
  CHECK_EQ(status.code, ETIMEDOUT);
  CHECK_EQ(status.detail, "it is in the middle of an execve that does not end");
  target.LetGo();
  CHECK_EQ(target.Wait(), 0);
}

TEST(AKilledCallerLeavesNothingAttached) {
  if (geteuid() != 0) SKIP(kNeedsRoot);
  Target target([] { Install(Marked(1)); }, WaitForVfork);
  CHECK(Eventually([&] { return StatusLine(target.pid(), "State")[0] == 'D'; }));
  {
    const int pid = target.pid();
    Target caller([] {},
                  [pid] {
                    std::vector<ProgramBytes> out;
                    (void)Dump(pid, &out).ok();
                  });
    CHECK(Eventually([&] { return StatusLine(pid, "TracerPid") != "0"; }));
    kill(caller.pid(), SIGKILL);
    CHECK(WIFSIGNALED(caller.Wait()));
  }
  CHECK(Eventually([&] { return StatusLine(target.pid(), "TracerPid") == "0"; }));
  target.Say();
  CHECK_EQ(WEXITSTATUS(target.Wait()), 7);
}

TEST(TheCallersSignalMaskIsItsOwn) {
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const Target target([] { Install(Marked(1)); });
  (void)Code(target.pid());
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMAX; signal++) {
    CHECK_EQ(sigismember(&after, signal), sigismember(&before, signal));
  }
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
