// sysieve-reach identify|scan|read ROOT PATH: reads one file of a file system that may be hostile,
// and says on stdout, in one line of JSON, what it is or what its code leads to, or gives its
// bytes. Nothing else is left to it by the time the file is looked at: no other system call than
// what memory and the answer need, a limit of memory and one of time. Exit status: 0 said; 3 it
// cannot be read, and why stands in the line.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "reach/elf.h"
#include "reach/scan.h"
#include "reach/sha256.h"

namespace {

using sysieve::UniqueFd;

constexpr int kUnreadable = 3;
constexpr rlim_t kMemory = 512UL << 20;  // bytes
constexpr rlim_t kSeconds = 10;          // of processor time
constexpr off_t kLargest = 256L << 20;   // bytes
constexpr off_t kLargestRead = 16L << 20;

bool WriteAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

int Refuse(std::string_view code, std::string_view message) {
  std::string line = R"({"error":")";
  line += code;
  line += R"(","message":")";
  line += message;
  line += "\"}\n";
  WriteAll(line);
  return kUnreadable;
}

// What is under `root`, whatever its symbolic links say, without opening it: of a device that alone
// may do something, and a container can make any. -1 with errno.
int FindInRoot(int root, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // A rename within the root at the same time.
  for (int tries = 0; tries < 16; tries++) {
    const long fd = syscall(__NR_openat2, root, path, &how, sizeof(how));
    if (fd >= 0 || errno != EAGAIN) return static_cast<int>(fd);
  }
  return -1;
}

bool Confine() {
  constexpr std::array kAllowed = {SYS_write,        SYS_mmap,    SYS_munmap,     SYS_mremap,
                                   SYS_brk,          SYS_madvise, SYS_exit_group, SYS_exit,
                                   SYS_rt_sigreturn, SYS_futex,   SYS_close};
  std::vector<sock_filter> filter;
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long call : kAllowed) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::string Answer(const sysieve::reach::Elf& elf, std::span<const uint8_t> bytes, bool scan) {
  std::string line = R"({"sha256":")" + sysieve::reach::Sha256(bytes) + '"';
  if (scan) line += R"(,"scan":)" + sysieve::reach::Scan(elf);
  return line + "}\n";
}

int Read(std::string_view mode, const char* root_path, const char* path) {
  const UniqueFd root(open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Refuse("root", std::strerror(errno));
  UniqueFd found(FindInRoot(root.get(), path));
  if (!found) return Refuse(errno == ENOENT ? "missing" : "unreadable", std::strerror(errno));
  struct stat status;
  if (fstat(found.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return Refuse("unreadable", "not a regular file");
  // The very file that was looked at.
  const std::string same = "/proc/self/fd/" + std::to_string(found.get());
  const UniqueFd file(open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return Refuse("unreadable", std::strerror(errno));
  found = UniqueFd();
  if (status.st_size > (mode == "read" ? kLargestRead : kLargest))
    return Refuse("limit", "the file is too large");
  std::vector<uint8_t> bytes(static_cast<size_t>(status.st_size));
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Refuse("unreadable", std::strerror(errno));
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  if (mode == "read") {
    return WriteAll({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) ? 0 : kUnreadable;
  }
  if (!Confine()) return Refuse("system", "the seccomp filter could not be installed");
  if (bytes.size() >= 2 && bytes[0] == '#' && bytes[1] == '!') {
    std::string line;
    for (size_t i = 2; i < bytes.size() && i < 256 && bytes[i] != '\n'; i++) {
      constexpr char kDigits[] = "0123456789abcdef";
      line += "\\u00";
      line += kDigits[bytes[i] >> 4];
      line += kDigits[bytes[i] & 15];
    }
    return WriteAll(R"({"script":")" + line + "\"}\n") ? 0 : kUnreadable;
  }
  sysieve::reach::Elf elf;
  if (const std::string why = elf.Parse(bytes); !why.empty()) return Refuse("unscannable", why);
  return WriteAll(Answer(elf, bytes, mode == "scan")) ? 0 : kUnreadable;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 4 ? argv[1] : "";
  if (mode != "identify" && mode != "scan" && mode != "read") return 2;
  // What a parent left open is none of its business. (An older kernel has no such call.)
  syscall(__NR_close_range, 3U, ~0U, 0U);
  const rlimit memory{kMemory, kMemory};
  const rlimit time{kSeconds, kSeconds};
  const rlimit core{0, 0};
  if (setrlimit(RLIMIT_DATA, &memory) != 0 || setrlimit(RLIMIT_CPU, &time) != 0 ||
      setrlimit(RLIMIT_CORE, &core) != 0)
    return Refuse("system", std::strerror(errno));
  try {
    return Read(mode, argv[2], argv[3]);
  } catch (const std::bad_alloc&) {
    return Refuse("limit", "it takes more than 512 MiB of memory");
  }
}
