// A unix socket that runtimes send the listeners of containers to: who connects sends one message,
// descriptors beside it, and closes.
#ifndef SYSIEVE_NOTIFY_INBOX_H_
#define SYSIEVE_NOTIFY_INBOX_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/status.h"

namespace sysieve::notify {

// recvmsg without flags but MSG_CMSG_CLOEXEC; every descriptor that came along has an owner then.
// Like recvmsg, −1 and errno.
ssize_t ReceiveMessage(int socket, void* into, size_t size, std::vector<UniqueFd>* descriptors);

struct Delivery {
  std::string message;  // untrusted
  std::vector<UniqueFd> descriptors;
  int pid = 0;          // of who sent it, as the kernel says; 0: ended
  std::string problem;  // why it is none: too long, too late, too many descriptors
};

class Inbox {
 public:
  static constexpr size_t kMessageBytes = 256 * 1024;
  static constexpr size_t kDescriptors = 16;
  static constexpr size_t kConnections = 64;
  static constexpr auto kPatience = std::chrono::seconds(10);

  ~Inbox();
  // Binds `path`, which must not exist, for its owner alone.
  static Status Open(const std::string& path, Inbox* out);
  // Whatever has arrived whole by now. Never waits.
  Status Poll(std::vector<Delivery>* out);
  void Close();

 private:
  struct Connection {
    UniqueFd socket;
    Delivery delivery;
    std::chrono::steady_clock::time_point since;
  };
  // True when nothing more will come.
  static bool Advance(Connection* connection);

  UniqueFd socket_;
  std::string path_;
  uint64_t inode_ = 0;
  std::vector<Connection> connections_;
};

}  // namespace sysieve::notify

#endif  // SYSIEVE_NOTIFY_INBOX_H_
