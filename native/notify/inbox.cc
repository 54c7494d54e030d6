#include "notify/inbox.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sysieve::notify {
namespace {

// The kernel's limit on descriptors in one message: less room would drop some of them.
constexpr size_t kScmMaxFd = 253;

}  // namespace

ssize_t ReceiveMessage(int socket, void* into, size_t size, std::vector<UniqueFd>* descriptors) {
  iovec data{into, size};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kScmMaxFd)> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  const int error = errno;
  if (got >= 0) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; i++) {
        int fd = -1;
        memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
        descriptors->emplace_back(fd);
      }
    }
  }
  errno = error;
  return got;
}

Inbox::~Inbox() { Close(); }

Status Inbox::Open(const std::string& path, Inbox* out) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Status::Error(ENAMETOOLONG, "bind the socket", path);
  }
  memcpy(address.sun_path, path.data(), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Status::Error(errno, "make a socket");
  // The mode of the file that bind makes is that of the socket less the umask: nobody else's even
  // for a moment.
  if (fchmod(socket.get(), 0600) != 0) return Status::Error(errno, "chmod the socket", path);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Status::Error(errno, "bind the socket", path);
  }
  struct stat file {};
  if (stat(path.c_str(), &file) != 0 || listen(socket.get(), kConnections) != 0) {
    return Status::Error(errno, "listen on the socket", path);
  }
  out->socket_ = std::move(socket);
  out->path_ = path;
  out->inode_ = file.st_ino;
  return Status::Ok();
}

Status Inbox::Poll(std::vector<Delivery>* out) {
  // Those beyond the limit wait in the kernel's queue.
  while (socket_ && connections_.size() < kConnections) {
    UniqueFd accepted(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) {
      if (errno == EAGAIN) break;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return Status::Error(errno, "accept a connection");
    }
    ucred peer{};
    socklen_t length = sizeof(peer);
    getsockopt(accepted.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length);
    Connection connection{std::move(accepted), {}, std::chrono::steady_clock::now()};
    connection.delivery.pid = peer.pid;
    connections_.push_back(std::move(connection));
  }
  for (size_t i = 0; i < connections_.size();) {
    if (!Advance(&connections_[i])) {
      i++;
      continue;
    }
    out->push_back(std::move(connections_[i].delivery));
    connections_.erase(connections_.begin() + static_cast<ptrdiff_t>(i));
  }
  return Status::Ok();
}

bool Inbox::Advance(Connection* connection) {
  Delivery& delivery = connection->delivery;
  std::array<char, 65536> part{};
  for (;;) {
    const ssize_t got =
        ReceiveMessage(connection->socket.get(), part.data(), part.size(), &delivery.descriptors);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      if (std::chrono::steady_clock::now() - connection->since < kPatience) return false;
      delivery.problem = "its message did not end in time";
      return true;
    }
    if (got < 0) {
      delivery.problem = strerror(errno);
      return true;
    }
    if (got == 0) return true;
    delivery.message.append(part.data(), static_cast<size_t>(got));
    if (delivery.message.size() > kMessageBytes) {
      delivery.problem = "its message is too long";
      delivery.message.clear();
      return true;
    }
    if (delivery.descriptors.size() > kDescriptors) {
      delivery.problem = "too many descriptors came with its message";
      delivery.descriptors.clear();
      return true;
    }
  }
}

void Inbox::Close() {
  if (!socket_) return;
  struct stat file {};
  // Not what someone else put there since.
  if (stat(path_.c_str(), &file) == 0 && file.st_ino == inode_) unlink(path_.c_str());
  socket_ = UniqueFd();
  connections_.clear();
}

}  // namespace sysieve::notify
