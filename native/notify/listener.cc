#include "notify/listener.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sysieve::notify {
namespace {

constexpr uint32_t kContinue = 1;  // SECCOMP_USER_NOTIF_FLAG_CONTINUE, Linux 5.5

// Linux 6.6: the answer wakes the task on this CPU at once, as a function call would. 48865cf5cc4f.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, uint64_t);
constexpr uint64_t kSyncWakeUp = 1;

size_t Words(size_t bytes) { return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t); }

}  // namespace

Status Listener::Open(UniqueFd fd, Listener* out) {
  seccomp_notif_sizes sizes{};
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
    return Status::Error(errno, "ask for the size of seccomp notifications");
  }
  // An id that is none: a listener says ENOENT, anything else does not know the ioctl.
  uint64_t none = 0;
  if (ioctl(fd.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &none) != 0 && errno != ENOENT) {
    return Status::Error(errno, "use the listener");
  }
  uint64_t flags = kSyncWakeUp;
  ioctl(fd.get(), kSetFlags, flags);
  out->fd_ = std::move(fd);
  out->request_.resize(Words(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif))));
  out->response_.resize(
      Words(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp))));
  return Status::Ok();
}

Listener::Received Listener::Receive(seccomp_notif* out) {
  // The kernel refuses a buffer that is not zero.
  std::fill(request_.begin(), request_.end(), 0);
  if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, request_.data()) != 0) {
    if (errno == ENOENT || errno == EINTR || errno == EAGAIN) return Received::kNone;
    return Received::kFailed;
  }
  memcpy(out, request_.data(), sizeof(*out));
  return Received::kCall;
}

bool Listener::Continue(uint64_t id) {
  seccomp_notif_resp answer{};
  answer.id = id;
  answer.flags = kContinue;
  std::fill(response_.begin(), response_.end(), 0);
  memcpy(response_.data(), &answer, sizeof(answer));
  for (;;) {
    if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, response_.data()) == 0) return true;
    // EINPROGRESS cannot be: each id is answered once.
    if (errno != EINTR) return false;
  }
}

bool Listener::Valid(uint64_t id) const {
  return ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

}  // namespace sysieve::notify
