#include "ptrace/ptrace_tracer.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ptrace/own_process.h"
#include "ptrace/trace_loop.h"

namespace sysieve {

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// How long the tracer's process may take to end when it is asked to, or give no sign of life.
constexpr milliseconds kPatience{5000};
constexpr milliseconds kSilence{10000};
// And so often it must have been looked at meanwhile: a recorder that was stopped itself, or a
// machine that slept, says nothing about the tracer.
constexpr int kLooks = 50;
constexpr milliseconds kReadPatience{1000};

}  // namespace

class PtraceTracer::Impl {
 public:
  explicit Impl(const Target& target) : target_(target) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() = default;

  Status Start(size_t* tasks) {
    if (Status s = shared_.tally.Track(target_.tracked); !s.ok()) return s;
    const int recorder = getpid();
    Status started =
        process_.Start([this, recorder] { Trace(recorder); }, [this](bool clean) { Ended(clean); });
    if (!started.ok()) return started;
    while (!attached_ && !over_) {
      std::this_thread::sleep_for(milliseconds(1));
      if (!Silent()) continue;
      End(milliseconds(0));
      return Status::Error(
          ETIMEDOUT, "attach",
          "the tracer gave no sign of life for " + std::to_string(kSilence.count() / 1000) + " s");
    }
    if (!attached_) return Status::Error(ECHILD, "attach", "the tracer's process was killed");
    *tasks = found_;
    return status_;
  }

  // False: the tracer did not end by itself, and this must not be freed. What it had taken when it
  // was killed (a lock, a part of the heap) nobody gives back, and one that was left behind runs on
  // when it wakes.
  bool Detach() {
    End(kPatience);
    return !lost_;
  }

  void Read(Observation* out) {
    if (!over_ && Silent()) {
      // One that was stopped is heard of again.
      process_.Continue();
      std::this_thread::sleep_for(OwnProcess::kGrace);
      if (Silent()) End(milliseconds(0));
    }
    Observation seen;
    const bool lost = lost_;
    if (!stale_ && shared_.tally.TryRead(kReadPatience, &seen)) {
      last_ = std::move(seen);
    } else {
      stale_ = lost;  // it died with the lock
    }
    *out = last_;
    out->live = lost ? 0 : std::max<int64_t>(0, shared_.live);
    out->live_application = std::clamp<int64_t>(shared_.live_application, 0, out->live);
    out->filtered = shared_.filtered;
    out->lost.tasks += lost_tasks_;
    out->blind_spots.emplace_back("denied-from-failed");
    if (out->filtered) out->blind_spots.emplace_back("denied-as-attempts");
    if (shared_.nested) out->blind_spots.emplace_back("nested-ptrace");
    if (shared_.unreadable) out->blind_spots.emplace_back("executable-unreadable");
    const bool container = !target_.cgroups.empty() || !target_.mount_namespaces.empty();
    if (container) out->blind_spots.emplace_back("entrants-unseen");
    if (lost) out->blind_spots.emplace_back("tracer-lost");
  }

 private:
  // In the tracer's process. Want of memory ends it, and it alone.
  void Trace(int recorder) {
    TraceLoop loop(target_, recorder, &shared_);
    size_t found = 0;
    status_ = loop.Attach(&found);
    const bool good = status_.ok();
    if (good) shared_.tally.Begin();
    found_ = found;
    attached_ = true;
    if (good) loop.Run();
    // What is still traced is detached by the kernel, atomically, as this process ends.
    _exit(0);
  }

  // Back in the recorder.
  void Ended(bool clean) {
    if (!clean) Lose();
    over_ = true;
  }

  // What it traced lives on unseen.
  void Lose() {
    if (lost_.exchange(true)) return;
    lost_tasks_ = static_cast<uint64_t>(std::max<int64_t>(1, shared_.live));
  }

  void End(milliseconds patience) {
    shared_.stop = true;
    if (!process_.End(patience)) {
      Lose();
      over_ = true;
    }
    shared_.tally.End();
  }

  // Whether it was looked at often enough, and for long enough, without a sign of life.
  bool Silent() {
    const uint64_t beats = shared_.beats;
    const auto now = Clock::now();
    if (looks_ == 0 || beats != beats_) {
      beats_ = beats;
      heard_ = now;
      looks_ = 0;
    }
    return ++looks_ > kLooks && now - heard_ > kSilence;
  }

  const Target target_;
  Shared shared_;
  // Written by the tracer's process before attached_ is.
  Status status_;
  size_t found_ = 0;
  std::atomic<bool> attached_{false};
  std::atomic<bool> over_{false};
  std::atomic<bool> lost_{false};
  std::atomic<uint64_t> lost_tasks_{0};
  uint64_t beats_ = 0;
  Clock::time_point heard_;
  int looks_ = 0;
  Observation last_;  // that could be read
  bool stale_ = false;
  OwnProcess process_;
};

PtraceTracer::PtraceTracer() = default;
PtraceTracer::~PtraceTracer() { Release(); }

void PtraceTracer::Release() {
  if (!impl_ || impl_->Detach()) {
    impl_.reset();
    return;
  }
  // For good; see Detach().
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::unique_ptr<Impl>>;
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(impl_));
}

Status PtraceTracer::Start(const Target& target, size_t* tasks) {
  impl_ = std::make_unique<Impl>(target);
  Status status = impl_->Start(tasks);
  if (!status.ok()) Release();
  return status;
}

Status PtraceTracer::WatchDenied() { return Status::Ok(); }

Status PtraceTracer::Read(Observation* out) {
  if (!impl_) return Status::Error(EINVAL, "read the recording");
  impl_->Read(out);
  return Status::Ok();
}

void PtraceTracer::Detach() {
  if (impl_) impl_->Detach();
}

}  // namespace sysieve
