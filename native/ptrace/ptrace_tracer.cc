#include "ptrace/ptrace_tracer.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "ptrace/own_process.h"
#include "ptrace/trace_loop.h"

namespace sysieve {

class PtraceTracer::Impl {
 public:
  explicit Impl(const Target& target) : target_(target) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { Detach(); }

  Status Start(size_t* tasks) {
    if (Status s = shared_.tally.Track(target_.tracked); !s.ok()) return s;
    const int recorder = getpid();
    Status started =
        process_.Start([this, recorder] { Trace(recorder); }, [this](bool clean) { Ended(clean); });
    if (!started.ok()) return started;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return attached_ || ended_; });
    if (!attached_) return Status::Error(ECHILD, "attach", "the tracer's process was killed");
    *tasks = found_;
    return status_;
  }

  void Detach() {
    shared_.stop = true;
    process_.Join();
    shared_.tally.End();
  }

  void Read(Observation* out) {
    shared_.tally.Read(out);
    out->live = std::max<int64_t>(0, shared_.live);
    out->live_application = std::clamp<int64_t>(shared_.live_application, 0, out->live);
    out->filtered = shared_.filtered;
    out->blind_spots.emplace_back("denied-from-failed");
    if (out->filtered) out->blind_spots.emplace_back("denied-as-attempts");
    if (shared_.nested) out->blind_spots.emplace_back("nested-ptrace");
    if (shared_.unreadable) out->blind_spots.emplace_back("executable-unreadable");
    const bool container = !target_.cgroups.empty() || !target_.mount_namespaces.empty();
    if (container) out->blind_spots.emplace_back("entrants-unseen");
  }

 private:
  // In the tracer's process. Want of memory ends it, and it alone.
  void Trace(int recorder) {
    TraceLoop loop(target_, recorder, &shared_);
    size_t found = 0;
    Status status = loop.Attach(&found);
    const bool good = status.ok();
    if (good) shared_.tally.Begin();
    {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
      found_ = found;
      attached_ = true;
      changed_.notify_all();
    }
    if (good) loop.Run();
    // What is still traced is detached by the kernel, atomically, as this process ends.
    _exit(0);
  }

  // Back in the recorder.
  void Ended(bool clean) {
    // What it traced lives on unseen.
    if (!clean) shared_.tally.LoseTasks(std::max<int64_t>(1, shared_.live));
    if (!clean) shared_.live = shared_.live_application = 0;
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  const Target target_;
  Shared shared_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool attached_ = false;
  bool ended_ = false;
  Status status_;
  size_t found_ = 0;
  OwnProcess process_;  // last: ended before anything it uses
};

PtraceTracer::PtraceTracer() = default;
PtraceTracer::~PtraceTracer() = default;

Status PtraceTracer::Start(const Target& target, size_t* tasks) {
  impl_ = std::make_unique<Impl>(target);
  Status status = impl_->Start(tasks);
  if (!status.ok()) impl_.reset();
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
