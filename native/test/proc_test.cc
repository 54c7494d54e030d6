// core/proc and core/cgroup, on names that were chosen to be misread.
#include "core/proc.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/cgroup.h"
#include "test/check.h"
#include "test/target.h"

namespace sysieve::test {
namespace {

// Up to 15 bytes, which is what the kernel keeps of a task's name.
const std::vector<std::string> kHostileNames = {
    ")) R 1 (",
    ") Z 1 1 1 1 1 1",
    "\n",
    "",
    "(",
    ")",
    ") ",
    " ) S 0 0 0 0 4",
    "a b\tc) R 1\n",
    "\nSeccomp:\t2",
    "\n\n)",
    "\\n)",
    "\xff\xfe\x80",
    "%s%n%s%n%s%n%s",
};

void Name(const std::string& name) {
  if (prctl(PR_SET_NAME, name.c_str(), 0, 0, 0) != 0) _exit(97);
}

void InstallFilter() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program = {1, &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(99);
  }
}

// Field 22 of stat: ticks since boot. The uptime bounds it.
bool StartedJustNow(uint64_t start_time) {
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  const double age =
      uptime - static_cast<double>(start_time) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return age > -0.1 && age < 60;
}

TEST(NamesDoNotReachTheFieldsBehindThem) {
  for (const std::string& name : kHostileNames) {
    const Target target([&name] { Name(name); });
    CHECK_EQ(proc::Parent(target.pid()), getpid());
    const auto state = proc::State(target.pid(), target.pid());
    CHECK(state.has_value());
    if (!state) continue;
    CHECK(!state->exiting);
    CHECK(StartedJustNow(state->start_time));
    CHECK(!proc::IsFiltered(target.pid(), target.pid()));
  }
}

TEST(AFilterShowsWhateverTheName) {
  for (const std::string& name : kHostileNames) {
    const Target target([&name] {
      Name(name);
      InstallFilter();
    });
    CHECK(proc::IsFiltered(target.pid(), target.pid()));
  }
}

TEST(AZombieIsExitingWhateverItsName) {
  for (const std::string& name : kHostileNames) {
    const Target target([&name] { Name(name); },
                        [] {
                          char byte = 0;
                          _exit(read(0, &byte, 1) == 1 ? 0 : 1);
                        });
    target.Say();
    CHECK(Eventually([&] {
      const auto state = proc::State(target.pid(), target.pid());
      return state && state->exiting;
    }));
    CHECK_EQ(proc::Parent(target.pid()), getpid());
    CHECK_EQ(proc::ExecutablePath(target.pid()), "");
  }
}

TEST(WhatIsGoneAnswersNothing) {
  int gone = 0;
  {
    Target target([] {});
    gone = target.pid();
    kill(gone, SIGKILL);
    target.Wait();
  }
  CHECK_EQ(proc::Parent(gone), 0);
  CHECK_EQ(proc::Namespace(gone, "mnt"), uint32_t{0});
  CHECK_EQ(proc::ExecutablePath(gone), "");
  CHECK(!proc::State(gone, gone).has_value());
  CHECK(!proc::IsFiltered(gone, gone));
  CHECK(proc::Threads(gone).empty());
  std::vector<int> pids;
  CHECK(!proc::ReadPids("/proc/" + std::to_string(gone) + "/cgroup.procs", &pids));
  CHECK(pids.empty());
}

TEST(TasksAreListed) {
  const Target target([] {},
                      [] {
                        std::thread([] { Target::Sleep(); }).detach();
                        Target::Sleep();
                      });
  CHECK(Eventually([&] { return proc::Threads(target.pid()).size() == 2; }));
  const std::vector<int> processes = proc::Processes();
  CHECK(std::find(processes.begin(), processes.end(), target.pid()) != processes.end());
  CHECK_EQ(proc::Namespace(target.pid(), "mnt"), proc::Namespace(getpid(), "mnt"));
  CHECK_EQ(proc::ExecutablePath(target.pid()), proc::ExecutablePath(getpid()));
}

// A directory that is gone with the test.
class Scratch {
 public:
  Scratch() {
    std::string name = "/tmp/sysieve-proc-test-XXXXXX";
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    for (const std::string& made : made_) rmdir(made.c_str());
    rmdir(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  std::string Directory(const std::string& name) {
    made_.push_back(path_ + "/" + name);
    CHECK_EQ(mkdir(made_.back().c_str(), 0700), 0);
    return made_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> made_;
};

// mountinfo writes spaces, tabs, newlines and backslashes of a mount point as octal numbers.
TEST(CgroupMountsAreFoundWhateverTheirName) {
  if (geteuid() != 0) SKIP("needs root");
  Scratch scratch;
  for (const char* const name : {"plain", "a b", "a - cgroup2 b", "a\tb\n", "a\\040b", "\\", "#"}) {
    const std::string at = scratch.Directory(name);
    // In a mount namespace of its own; the exit status says how far it came.
    Target walker([] {},
                  [&at] {
                    if (unshare(CLONE_NEWNS) != 0 ||
                        mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
                      _exit(2);
                    }
                    if (mount("none", at.c_str(), "cgroup2", 0, nullptr) != 0) _exit(3);
                    int seen = 0;
                    bool v2 = true;
                    const auto see = [&](const CgroupId& id, const std::string&) {
                      seen++;
                      v2 = v2 && id.hierarchy == 0 && id.id != 0;
                    };
                    size_t refused = 0;
                    if (!WalkCgroups(at, see, &refused).ok() || refused != 0) _exit(4);
                    if (seen == 0 || !v2) _exit(5);
                    // What lies over it is no cgroup, whatever its own name.
                    if (mount("none", at.c_str(), "tmpfs", 0, nullptr) != 0) _exit(6);
                    _exit(WalkCgroups(at, see, &refused).code == EINVAL ? 0 : 7);
                  });
    const int status = walker.Wait();
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
  }
}

// One that may not be looked into has cgroups and tasks below it that are then not seen.
TEST(CgroupsThatAreClosedAreCounted) {
  if (geteuid() != 0) SKIP("needs root");
  Scratch scratch;
  const std::string at = scratch.Directory("tree");
  CHECK_EQ(chmod(scratch.path().c_str(), 0755), 0);
  const std::string top = at + "/sysieve-closed-" + std::to_string(getpid());
  Target walker([] {},
                [&] {
                  if (unshare(CLONE_NEWNS) != 0 ||
                      mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
                    _exit(2);
                  }
                  if (mount("none", at.c_str(), "cgroup2", 0, nullptr) != 0) _exit(3);
                  std::vector<std::string> made = {top, top + "/open", top + "/closed",
                                                   top + "/closed/below"};
                  for (const std::string& one : made) {
                    if (mkdir(one.c_str(), 0755) != 0) _exit(4);
                  }
                  if (chmod((top + "/closed").c_str(), 0700) != 0) _exit(5);
                  const auto walk = [&](uid_t user, int* seen, size_t* refused) {
                    *seen = 0;
                    if (seteuid(user) != 0) _exit(6);
                    const auto see = [&](const CgroupId&, const std::string&) { (*seen)++; };
                    const bool walked = WalkCgroups(top, see, refused).ok();
                    if (seteuid(0) != 0) _exit(7);
                    return walked;
                  };
                  int seen = 0;
                  size_t refused = 0;
                  const bool all = walk(0, &seen, &refused) && seen == 4 && refused == 0;
                  const bool some = walk(65534, &seen, &refused) && seen == 3 && refused == 1;
                  while (!made.empty()) {
                    if (rmdir(made.back().c_str()) != 0) _exit(8);
                    made.pop_back();
                  }
                  _exit(all && some ? 0 : 9);
                });
  const int status = walker.Wait();
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(WhatIsNoCgroupIsRefused) {
  const auto none = [](const CgroupId&, const std::string&) {};
  size_t refused = 0;
  CHECK_EQ(WalkCgroups("/tmp", none, &refused).code, EINVAL);
  CHECK_EQ(WalkCgroups("/sysieve/is/not/there", none, &refused).code, ENOENT);
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
