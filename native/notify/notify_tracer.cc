#include "notify/notify_tracer.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/proc.h"
#include "core/tally.h"
#include "launch/protocol.h"
#include "notify/image.h"
#include "notify/inbox.h"
#include "notify/listener.h"

namespace sysieve {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint32_t kWaitKillable = 1 << 5;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
constexpr size_t kImages = 4096;            // forgotten all at once beyond it, then read anew
constexpr size_t kTaken = 1024;             // of calls whose tasks wait for the answer
constexpr auto kStopPatience = std::chrono::seconds(5);
// So long, and at so many looks, one call must be looked at before the thread counts as held: a
// recorder that was stopped itself says nothing.
constexpr auto kHeldPatience = std::chrono::seconds(10);
constexpr int kHeldLooks = 50;

// Numbers that tell of filters and of execve, by ABI; x32 has x86_64's but for its own execve pair.
struct Numbers {
  uint32_t execve, execveat, seccomp, prctl;
};
constexpr Numbers kX86_64Numbers{59, 322, 317, 157};
constexpr Numbers kX32Numbers{520, 545, 317, 157};
constexpr Numbers kI386Numbers{11, 358, 354, 172};

const Numbers& NumbersOf(Abi abi) {
  return abi == Abi::kI386 ? kI386Numbers : abi == Abi::kX32 ? kX32Numbers : kX86_64Numbers;
}

struct Identity {
  Abi abi;
  uint32_t number;
};

// False for an architecture there is no table of.
bool Identify(const seccomp_data& data, Identity* out) {
  const auto number = static_cast<uint32_t>(data.nr);
  if (data.arch == AUDIT_ARCH_I386) {
    *out = {Abi::kI386, number};
    return true;
  }
  if (data.arch != AUDIT_ARCH_X86_64) return false;
  // −1 has the bit too, and is no number of either.
  const bool x32 = (number & kX32Bit) != 0 && number != UINT32_MAX;
  *out = {x32 ? Abi::kX32 : Abi::kX86_64, x32 ? number & ~kX32Bit : number};
  return true;
}

}  // namespace

// Outlives the tracer where the thread is stuck in a read of its target's memory: see
// core/memory.h.
struct NotifyTracer::Shared {
  explicit Shared(Source given) : source(std::move(given)) {}

  void Serve();
  bool AwaitListener();
  void ServeListener();
  static void HurryUp();
  void Handle(const seccomp_notif& call);
  uint32_t SlotOf(const seccomp_notif& call, bool* runtime, bool* starved);
  void LoseWithdrawn();
  void NoteFilters(const Identity& what, const seccomp_data& data);
  void NoteStart(const seccomp_notif& call, const Identity& what, bool runtime);
  void Declare(const char* spot) {
    const std::lock_guard lock(mutex);
    spots.insert(spot);
  }
  void StartOnce() {
    if (!std::exchange(counted_start, true)) tally.Started();
  }

  Source source;
  notify::Listener listener;
  Tally tally;
  int wake = -1;
  std::set<std::pair<Abi, uint32_t>> memory_calls;

  // The thread's own.
  std::string runtime_key;
  std::unordered_map<std::string, uint32_t> images;
  bool any_id = false;
  uint64_t first_id = 0;
  int64_t lowest = 0;  // of the ids, from the first one on
  int64_t highest = 0;
  int64_t received = 0;
  bool withdrawn = false;  // a call was, and no higher id has come since
  bool killable = true;
  bool counted_start = false;
  pid_t executing = 0;  // the runtime's task whose execve was let go on

  std::atomic<uint64_t> handled{0};  // odd: in the middle of one
  std::atomic<bool> abandoned{false};
  std::atomic<bool> live{true};
  std::mutex mutex;
  std::condition_variable ended;
  bool over = false;
  std::set<std::string> spots;
  Status failure = Status::Ok();
};

void NotifyTracer::Shared::Serve() {
  if (source.container || AwaitListener()) ServeListener();
  LoseWithdrawn();
  // Closes the listener: whoever still waits in a call, or makes one, is answered ENOSYS.
  listener = notify::Listener();
  tally.End();
  live = false;
}

// Ids are given one after the other as calls are queued (and taken newest first before Linux 5.19):
// one that never came is a call that was withdrawn before this thread came to it. None of them ran,
// but which they were nobody knows, nor whether the target made them again.
void NotifyTracer::Shared::LoseWithdrawn() {
  int64_t lost = received == 0 ? 0 : highest - lowest + 1 - received;
  if (withdrawn) lost++;
  if (lost <= 0) return;
  Declare("withdrawn-before-seen");
  tally.LoseCalls(static_cast<uint64_t>(lost));
}

// The launcher sends the listener before its execve, or ends without.
bool NotifyTracer::Shared::AwaitListener() {
  for (;;) {
    std::array<pollfd, 2> wait{{{wake, POLLIN, 0}, {source.channel.get(), POLLIN, 0}}};
    if (poll(wait.data(), wait.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    if (wait[0].revents != 0) return false;
    launch::Listener message{};
    std::vector<UniqueFd> descriptors;
    const ssize_t got =
        notify::ReceiveMessage(source.channel.get(), &message, sizeof(message), &descriptors);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got != sizeof(message) || message.magic != launch::kMagic || descriptors.size() != 1) {
      return false;
    }
    killable = (message.seccomp_flags & kWaitKillable) != 0;
    Status opened = notify::Listener::Open(std::move(descriptors[0]), &listener);
    // In complain mode the command may never make a call that is told.
    if (opened.ok() && source.partial) StartOnce();
    const std::lock_guard lock(mutex);
    failure = std::move(opened);
    return failure.ok();
  }
}

// A task may be interrupted by any signal until its call has been taken, and gets EINTR of a call
// that never gives that, such as fork. So calls are taken as soon as they are there, and looked at
// later.
void NotifyTracer::Shared::ServeListener() {
  HurryUp();
  std::deque<seccomp_notif> taken;
  for (bool stop = false; !stop || !taken.empty();) {
    std::array<pollfd, 2> wait{{{wake, POLLIN, 0}, {listener.fd(), POLLIN, 0}}};
    if (poll(wait.data(), wait.size(), taken.empty() ? -1 : 0) < 0) {
      if (errno == EINTR) continue;
      tally.LoseCalls(1);
      stop = true;
    }
    stop = stop || wait[0].revents != 0;
    seccomp_notif call{};
    if (!stop && (wait[1].revents & POLLIN) != 0 && taken.size() < kTaken) {
      switch (listener.Receive(&call)) {
        case notify::Listener::Received::kCall:
          taken.push_back(call);
          break;
        case notify::Listener::Received::kNone:
          withdrawn = true;
          break;
        case notify::Listener::Received::kFailed:
          tally.LoseCalls(1);
          stop = true;
          break;
      }
    } else if (!taken.empty()) {
      handled++;
      Handle(taken.front());
      handled++;
      taken.pop_front();
    } else if ((wait[1].revents & (POLLHUP | POLLERR)) != 0) {
      // The last task under the filter is gone.
      if (executing != 0) StartOnce();
      return;
    }
  }
}

// Where that is permitted, before everything that is not real-time; it answers and sleeps.
void NotifyTracer::Shared::HurryUp() {
  const sched_param priority{1};
  pthread_setschedparam(pthread_self(), SCHED_RR | SCHED_RESET_ON_FORK, &priority);
}

void NotifyTracer::Shared::Handle(const seccomp_notif& call) {
  const auto offset = static_cast<int64_t>(call.id - (any_id ? first_id : call.id));
  if (!std::exchange(any_id, true)) first_id = call.id;
  if (offset > highest) withdrawn = false;
  highest = std::max(highest, offset);
  lowest = std::min(lowest, offset);
  received++;

  Identity what{};
  const bool known = Identify(call.data, &what);
  Arguments arguments{};
  for (size_t i = 0; i < arguments.size(); i++) arguments[i] = call.data.args[i];
  bool runtime = false;
  bool starved = false;
  uint32_t slot = SlotOf(call, &runtime, &starved);
  uint64_t word = 0;
  const auto tid = static_cast<pid_t>(call.pid);
  bool readable = known && tid > 0 && memory_calls.contains({what.abi, what.number}) &&
                  notify::ReadWord(tid, arguments[0], &word);
  if (abandoned) return;

  // The answer is taken only while that task waits in that very call: then what was read was its.
  if (!listener.Continue(call.id)) {
    slot = Tally::kUnknown;
    readable = false;
    // It may have been interrupted, and will make the call again.
    if (!killable) Declare("restarts-counted-again");
  }
  // Without a descriptor to look with, it may be the launcher's own.
  if (!known || starved) {
    tally.LoseCalls(1);
    return;
  }
  tally.Count(slot, what.abi, what.number, arguments, [&](uint64_t, uint64_t* into) {
    *into = word;
    return readable;
  });
  NoteFilters(what, call.data);
  NoteStart(call, what, runtime);
}

uint32_t NotifyTracer::Shared::SlotOf(const seccomp_notif& call, bool* runtime, bool* starved) {
  const auto tid = static_cast<pid_t>(call.pid);
  // 0: in a pid namespace that is not below this one.
  const notify::Image image = tid > 0 ? notify::ReadImage(tid) : notify::Image{};
  *starved = image.starved;
  if (image.starved) return Tally::kUnknown;
  if (image.key.empty()) {
    Declare("executables-unreadable");
    return Tally::kUnknown;
  }
  if (image.key == runtime_key) {
    *runtime = true;
    // What a whole recording leaves out as the launcher's own, a profile's complaint tells.
    return Tally::PhaseSlot(source.partial ? Phase::kRuntime : Phase::kSetup);
  }
  if (const auto seen = images.find(image.key); seen != images.end()) return seen->second;
  std::string path = notify::ReadPath(tid, image.path_at);
  if (path.empty()) {
    // Memory is kept from those who may not ptrace (Yama), what /proc/PID/exe names is not.
    path = proc::ExecutablePath(tid);
    Declare(path.empty() ? "executables-unreadable" : "executables-by-inode");
  }
  const uint32_t slot = tally.ApplicationSlot(path);
  if (images.size() >= kImages) images.clear();
  images.emplace(image.key, slot);
  return slot;
}

// A filter of the target's own that refuses a call is stronger than this one, which is not asked
// then.
void NotifyTracer::Shared::NoteFilters(const Identity& what, const seccomp_data& data) {
  constexpr uint64_t kPrSetSeccomp = 22;
  constexpr uint64_t kNewListener = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  const Numbers& numbers = NumbersOf(what.abi);
  if (what.number == numbers.prctl && static_cast<uint32_t>(data.args[0]) == kPrSetSeccomp) {
    Declare("denied-by-own-filter");
  }
  if (what.number != numbers.seccomp || static_cast<uint32_t>(data.args[0]) > 1) return;
  Declare("denied-by-own-filter");
  if ((data.args[1] & kNewListener) != 0) Declare("own-listener-refused");
}

void NotifyTracer::Shared::NoteStart(const seccomp_notif& call, const Identity& what,
                                     bool runtime) {
  if (counted_start) return;
  if (!source.container) {
    // Killed before its execve, the command has not started.
    if (!runtime) StartOnce();
    return;
  }
  const auto tid = static_cast<pid_t>(call.pid);
  const Numbers& numbers = NumbersOf(what.abi);
  if (!runtime) {
    if (executing != 0) StartOnce();
  } else if (what.number == numbers.execve || what.number == numbers.execveat) {
    executing = tid;
  } else if (executing == tid) {
    executing = 0;  // it came back: the execve failed
  }
}

NotifyTracer::NotifyTracer(Source source) : shared_(std::make_shared<Shared>(std::move(source))) {}

NotifyTracer::~NotifyTracer() { Detach(); }

Status NotifyTracer::Start(const Target& target, size_t* tasks) {
  *tasks = 0;
  if (started_) return Status::Error(EALREADY, "start the tracer");
  if (target.setup_pids.size() != 1 || (!shared_->source.channel && !shared_->source.container)) {
    return Status::Error(EINVAL, "listen without a filter of one's own",
                         "a command that sysieve starts, or a container's listener, is expected");
  }
  if (Status tracked = shared_->tally.Track(target.tracked); !tracked.ok()) return tracked;
  for (const TrackedCall& call : target.tracked) {
    if (!call.memory) continue;
    shared_->memory_calls.emplace(call.abi, call.number);
    if (call.abi == Abi::kX86_64) shared_->memory_calls.emplace(Abi::kX32, call.number);
  }
  if (shared_->source.container) {
    Status opened = notify::Listener::Open(std::move(shared_->source.listener), &shared_->listener);
    if (!opened.ok()) return opened;
  }
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (!wake_) return Status::Error(errno, "make an eventfd");
  shared_->wake = wake_.get();
  notify::Image launcher = notify::ReadImage(target.setup_pids[0]);
  if (launcher.starved) return Status::Error(EMFILE, "read what the launcher executes");
  shared_->runtime_key = std::move(launcher.key);
  // A filter around this one that refuses a call is not asked about it here.
  if (proc::IsFiltered(getpid(), getpid())) shared_->spots.insert("denied-by-outer-filter");
  if (shared_->source.partial) shared_->spots.insert("permitted-calls");
  shared_->tally.Begin();

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([shared = shared_] {
    pthread_setname_np(pthread_self(), "sysieve-notify");
    shared->Serve();
    const std::lock_guard lock(shared->mutex);
    shared->over = true;
    shared->ended.notify_all();
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  started_ = true;
  return Status::Ok();
}

Status NotifyTracer::WatchDenied() { return Status::Ok(); }

Status NotifyTracer::Read(Observation* out) {
  if (Held()) Abandon();
  shared_->tally.Read(out);
  // How many tasks there are is not asked for: whether there is one is what the end hangs on.
  out->live = out->live_application = shared_->live ? 1 : 0;
  const std::lock_guard lock(shared_->mutex);
  out->blind_spots.assign(shared_->spots.begin(), shared_->spots.end());
  return shared_->failure;
}

bool NotifyTracer::Held() {
  const uint64_t handled = shared_->handled;
  const auto now = std::chrono::steady_clock::now();
  if (detached_ || handled % 2 == 0 || handled != handled_) {
    handled_ = handled;
    since_ = now;
    looks_ = 0;
    return false;
  }
  return ++looks_ > kHeldLooks && now - since_ > kHeldPatience;
}

void NotifyTracer::Detach() {
  if (!started_ || std::exchange(detached_, true)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = write(wake_.get(), &one, sizeof(one));
  std::unique_lock lock(shared_->mutex);
  if (shared_->ended.wait_for(lock, kStopPatience, [this] { return shared_->over; })) return;
  lock.unlock();
  Abandon();
}

// Stuck in a read of the target's memory, and the call that it was for is not counted.
void NotifyTracer::Abandon() {
  detached_ = true;
  shared_->abandoned = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = write(wake_.get(), &one, sizeof(one));
  // The eventfd stays with the thread, and its descriptor of the listener leads to nothing from
  // here on: the listener is closed, and no call of the target waits for it any more.
  new UniqueFd(std::move(wake_));
  const UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (nothing && shared_->listener.fd() >= 0) {
    dup3(nothing.get(), shared_->listener.fd(), O_CLOEXEC);
  }
  shared_->Declare("tracer-lost");
  shared_->tally.LoseCalls(1);
  shared_->tally.End();
  shared_->live = false;
}

}  // namespace sysieve
