// The seccomp listener of one filter: takes notifications, lets the calls go on.
#ifndef SYSIEVE_NOTIFY_LISTENER_H_
#define SYSIEVE_NOTIFY_LISTENER_H_

#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "core/fd.h"
#include "core/status.h"

namespace sysieve::notify {

class Listener {
 public:
  // Takes the descriptor; fails where the kernel lacks what is used here, or it is no listener.
  static Status Open(UniqueFd fd, Listener* out);

  enum class Received { kCall, kNone, kFailed };
  // Poll fd() for POLLIN first; then this does not wait: the kernel counts what it queued and takes
  // nothing off that count for what is withdrawn. kNone: the notification was withdrawn, its task
  // interrupted or killed.
  Received Receive(seccomp_notif* out);

  // Lets the call run. False where its task is gone or was interrupted; the call did not run then.
  bool Continue(uint64_t id);
  // Whether the task still waits in that call: what was read of it before belongs to it.
  [[nodiscard]] bool Valid(uint64_t id) const;

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  // As long as this kernel's structs, which may be longer than those of the headers.
  std::vector<uint64_t> request_;
  std::vector<uint64_t> response_;
};

}  // namespace sysieve::notify

#endif  // SYSIEVE_NOTIFY_LISTENER_H_
