// Sees the calls that a filter hands to its listener: all that the filter notifies of, of every
// task that runs under it. Each is counted, then let go on.
#ifndef SYSIEVE_NOTIFY_NOTIFY_TRACER_H_
#define SYSIEVE_NOTIFY_NOTIFY_TRACER_H_

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/fd.h"
#include "core/tracer.h"

namespace sysieve {

class NotifyTracer : public Tracer {
 public:
  struct Source {
    // One of the two. The socket that the launcher (native/launch) sends the listener over, or the
    // listener itself.
    UniqueFd channel;
    UniqueFd listener;
    // The filter lets calls pass that are not notified: the run is no whole picture then.
    bool partial = false;
    // The listener is of a container's filter, whose entrypoint's execve is notified.
    bool container = false;
  };

  explicit NotifyTracer(Source source);
  ~NotifyTracer() override;
  NotifyTracer(const NotifyTracer&) = delete;
  NotifyTracer& operator=(const NotifyTracer&) = delete;

  // Of the target: the one task (setup_pids) that becomes the application by its execve, and what
  // to track. Serves on a thread of its own from here on.
  Status Start(const Target& target, size_t* tasks) override;
  Status WatchDenied() override;
  Status Read(Observation* out) override;
  // Gives the listener up: from here on what the filter notifies of answers ENOSYS. Takes at most
  // 5 s, whatever a read of the target's memory waits for.
  void Detach() override;

 private:
  struct Shared;
  bool Held();
  void Abandon();

  std::shared_ptr<Shared> shared_;
  UniqueFd wake_;
  // What Held() saw at its last look.
  uint64_t handled_ = 0;
  std::chrono::steady_clock::time_point since_;
  int looks_ = 0;
  bool detached_ = false;
  bool started_ = false;
};

}  // namespace sysieve

#endif  // SYSIEVE_NOTIFY_NOTIFY_TRACER_H_
