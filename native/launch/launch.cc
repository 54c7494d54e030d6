// sysieve-launch PROGRAM [ARGUMENT…]: becomes PROGRAM when its parent says so, under the seccomp
// filter that the parent hands over. Everything that could need a system call is done before the
// filter is in place: from there on the launcher makes one call, execve.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol.h"

extern char** environ;

namespace {

using sysieve::launch::Failure;
using sysieve::launch::Header;
using sysieve::launch::Operation;
using sysieve::launch::Ready;

// What execvp(3) uses where PATH is unset (_CS_PATH of glibc).
constexpr std::string_view kDefaultPath = "/bin:/usr/bin";

// Shell convention: 127 when there is no such program, 126 when it cannot be run.
int ExitStatus(int error) { return error == ENOENT ? 127 : 126; }

// False on end of file too: then the parent is gone.
bool ReadAll(void* into, size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t got = read(sysieve::launch::kControlFd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(const void* from, size_t size) {
  const auto* at = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t put = write(sysieve::launch::kControlFd, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

bool Reply(Operation operation, int error, int failure_fd) {
  const Ready ready{sysieve::launch::kMagic, static_cast<uint32_t>(operation),
                    static_cast<uint32_t>(error), static_cast<uint32_t>(failure_fd)};
  return WriteAll(&ready, sizeof(ready));
}

[[noreturn]] void Refuse(Operation operation, int error) {
  Reply(operation, error, -1);
  _exit(ExitStatus(error));
}

// 0 or the errno that execve would end with.
int Runnable(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// Searches as execvp(3) does: a candidate that may not be run is remembered, the search goes on,
// and its error is told only if nothing better comes.
int Resolve(const char* program, std::string* found) {
  if (*program == '\0') return ENOENT;
  if (strchr(program, '/') != nullptr) {
    *found = program;
    return Runnable(*found);
  }
  const char* path = getenv("PATH");
  std::string_view rest = path != nullptr ? std::string_view(path) : kDefaultPath;
  int result = ENOENT;
  for (;;) {
    const size_t colon = rest.find(':');
    const std::string_view directory = rest.substr(0, colon);
    // An empty element means the working directory.
    std::string candidate = directory.empty() ? "." : std::string(directory);
    candidate += '/';
    candidate += program;
    const int error = Runnable(candidate);
    if (error == 0) {
      *found = std::move(candidate);
      return 0;
    }
    if (error == EACCES) result = EACCES;
    if (colon == std::string_view::npos) return result;
    rest.remove_prefix(colon + 1);
  }
}

// Ignored signals and the mask survive execve; the program is to start as from a login shell.
void ResetSignals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    sigaction(number, &action, nullptr);  // SIGKILL, SIGSTOP and libc's own refuse; nothing is lost
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The filter may refuse or kill every way to end; the reason lies in memory before that.
[[noreturn]] void Fail(volatile Failure* failure, Operation operation, int error) {
  failure->error = static_cast<uint32_t>(error);
  failure->operation = static_cast<uint32_t>(operation);
  syscall(SYS_exit_group, ExitStatus(error));
  __builtin_trap();
}

// The thread that hands the listener over. Filters belong to threads: this one has none, and the
// one that has it makes no call before its execve, which ends this one. Sharing the table of
// descriptors needs no permission, which taking it from outside would (PTRACE_MODE_ATTACH).
struct Handover {
  std::atomic<int> listener{-1};
  std::atomic<uint32_t> flags{0};
  std::atomic<bool> sent{false};
};

// 0 or an errno.
int SendListener(int listener, uint32_t flags) {
  sysieve::launch::Listener message{sysieve::launch::kMagic, flags};
  iovec data{&message, sizeof(message)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &listener, sizeof(int));
  for (;;) {
    if (sendmsg(sysieve::launch::kListenerFd, &header, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

void HandOver(Handover* handover, volatile Failure* failure) {
  // The other thread cannot wake this one: a futex call would go to the listener.
  while (handover->listener.load() < 0) usleep(100);
  if (const int error = SendListener(handover->listener.load(), handover->flags.load())) {
    Fail(failure, Operation::kListener, error);  // ends both threads
  }
  handover->sent.store(true);
}

// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV came with 5.19; headers may be older than the kernel.
constexpr uint32_t kWaitKillable = 1 << 5;

void InstallWithListener(const sock_fprog& code, uint32_t flags, volatile Failure* failure,
                         Handover* handover) {
  flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable;
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &code);
  if (listener < 0 && errno == EINVAL) {
    flags &= ~kWaitKillable;
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &code);
  }
  if (listener < 0) Fail(failure, Operation::kSeccomp, errno);
  handover->flags.store(flags);
  handover->listener.store(static_cast<int>(listener));
  // execve closes the listener here: not before the other thread has sent it.
  while (!handover->sent.load()) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (fcntl(sysieve::launch::kControlFd, F_SETFD, FD_CLOEXEC) != 0 || argc < 2) {
    constexpr std::string_view kText = "sysieve-launch: started by sysieve, not by hand\n";
    [[maybe_unused]] const ssize_t put = write(STDERR_FILENO, kText.data(), kText.size());
    return 2;
  }

  // Where Yama lets none but ancestors trace: the recorder's process that does is a sibling of this
  // one. Refused without Yama, which asks for no leave.
  prctl(PR_SET_PTRACER, getppid(), 0, 0, 0);

  Header header;
  if (!ReadAll(&header, sizeof(header))) return 0;
  if (header.magic != sysieve::launch::kMagic || header.version != sysieve::launch::kVersion ||
      header.instructions > sysieve::launch::kMaxInstructions) {
    Refuse(Operation::kProtocol, EPROTO);
  }
  std::vector<sock_filter> filter(header.instructions);
  if (!ReadAll(filter.data(), filter.size() * sizeof(sock_filter))) return 0;

  std::string program;
  if (const int error = Resolve(argv[1], &program); error != 0) Refuse(Operation::kResolve, error);

  const int memory = memfd_create("sysieve-launch", MFD_CLOEXEC);
  if (memory < 0 || ftruncate(memory, sizeof(Failure)) != 0) {
    Refuse(Operation::kSharedMemory, errno);
  }
  void* mapping = mmap(nullptr, sizeof(Failure), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (mapping == MAP_FAILED) Refuse(Operation::kSharedMemory, errno);
  auto* failure = static_cast<volatile Failure*>(mapping);

  const bool listens = (header.flags & sysieve::launch::kHasListener) != 0;
  if (listens && fcntl(sysieve::launch::kListenerFd, F_SETFD, FD_CLOEXEC) != 0) {
    Refuse(Operation::kListener, errno);
  }

  ResetSignals();
  if (!Reply(Operation::kNone, 0, memory)) return 0;

  char go = 0;
  if (!ReadAll(&go, 1) || go != sysieve::launch::kGo) return 0;

  if ((header.flags & sysieve::launch::kHasFilter) != 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
      Fail(failure, Operation::kNoNewPrivileges, errno);
    }
    const sock_fprog code{static_cast<unsigned short>(filter.size()), filter.data()};
    if (listens) {
      static Handover handover;
      std::thread(HandOver, &handover, failure).detach();
      InstallWithListener(code, header.seccomp_flags, failure, &handover);
    } else if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, header.seccomp_flags, &code) < 0) {
      Fail(failure, Operation::kSeccomp, errno);
    }
  }
  execve(program.c_str(), argv + 1, environ);
  Fail(failure, Operation::kExecve, errno);
}
