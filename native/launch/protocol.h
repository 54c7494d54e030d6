// What the launcher and its parent (src/capture/launch.ts) say to each other over descriptor 3,
// a stream socket. Host byte order: both ends are on one machine.
#ifndef SYSIEVE_LAUNCH_PROTOCOL_H_
#define SYSIEVE_LAUNCH_PROTOCOL_H_

#include <cstdint>

namespace sysieve::launch {

constexpr int kControlFd = 3;
constexpr uint32_t kMagic = 0x53564c43;  // "SVLC"
constexpr uint32_t kVersion = 2;
constexpr uint32_t kHasFilter = 1;
// Install the filter with a listener and send it over descriptor 4, a seqpacket socket, in one
// message: a Listener with the descriptor beside it (SCM_RIGHTS).
constexpr uint32_t kHasListener = 2;
constexpr int kListenerFd = 4;
constexpr uint32_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr char kGo = 'G';

// Parent to launcher; `instructions` sock_filter follow, and later the single byte kGo.
struct Header {
  uint32_t magic;
  uint32_t version;
  uint32_t flags;
  uint32_t seccomp_flags;
  uint32_t instructions;
};
static_assert(sizeof(Header) == 20);

enum class Operation : uint32_t {
  kNone = 0,
  kProtocol = 1,
  kResolve = 2,
  kSharedMemory = 3,
  kNoNewPrivileges = 4,
  kSeccomp = 5,
  kExecve = 6,
  kListener = 7,
};

// Launcher to parent, once, before it waits for kGo. `failure_fd` is the descriptor of a memory
// file in the launcher, which the parent opens through /proc and reads a Failure from once the
// launcher has ended.
struct Ready {
  uint32_t magic;
  uint32_t operation;  // an Operation; kNone: ready
  uint32_t error;      // its errno
  uint32_t failure_fd;
};
static_assert(sizeof(Ready) == 16);

struct Listener {
  uint32_t magic;
  uint32_t seccomp_flags;  // that the kernel took
};
static_assert(sizeof(Listener) == 8);

struct Failure {
  uint32_t operation;
  uint32_t error;
};
static_assert(sizeof(Failure) == 8);

}  // namespace sysieve::launch

#endif  // SYSIEVE_LAUNCH_PROTOCOL_H_
