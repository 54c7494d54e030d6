#include "ptrace/tracee.h"

#include <linux/audit.h>
#include <sys/ptrace.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/memory.h"

namespace sysieve::tracee {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;
constexpr uint64_t kExecutableName = 31;  // AT_EXECFN

// A 32-bit image has a vector of 32-bit words. Read as the wider ones it has no such entry: the
// type would have to stand beside a value of 0, and this value is an address.
template <typename Word>
uint64_t AuxiliaryValue(const std::string& bytes, uint64_t type) {
  for (size_t at = 0; at + 2 * sizeof(Word) <= bytes.size(); at += 2 * sizeof(Word)) {
    std::array<Word, 2> entry{};
    memcpy(entry.data(), bytes.data() + at, 2 * sizeof(Word));
    if (entry[0] == type) return entry[1];
  }
  return 0;
}

std::string Slurp(const std::string& path, size_t limit) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(limit, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(limit));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

std::string ProcPath(int tid, const char* name) {
  return "/proc/" + std::to_string(tid) + "/" + name;
}

}  // namespace

std::optional<CallStop> ReadCallStop(int tid) {
  __ptrace_syscall_info info{};
  constexpr auto kGetInfo = static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO);
  if (ptrace(kGetInfo, tid, sizeof(info), &info) < 0) return std::nullopt;
  CallStop out;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    out.result = info.exit.rval;
    return out;
  }
  // A filter's TRACE stands in the same place with one word more.
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY && info.op != PTRACE_SYSCALL_INFO_SECCOMP) {
    errno = EPROTO;
    return std::nullopt;
  }
  static_assert(offsetof(__ptrace_syscall_info, entry.nr) ==
                offsetof(__ptrace_syscall_info, seccomp.nr));
  static_assert(offsetof(__ptrace_syscall_info, entry.args) ==
                offsetof(__ptrace_syscall_info, seccomp.args));
  out.entry = true;
  out.traced = info.op == PTRACE_SYSCALL_INFO_SECCOMP;
  if (out.traced) out.trace_data = info.seccomp.ret_data;
  out.number = static_cast<uint32_t>(info.entry.nr);
  std::copy(info.entry.args, info.entry.args + out.arguments.size(), out.arguments.begin());
  if (info.arch == AUDIT_ARCH_I386) {
    out.abi = Abi::kI386;
    // The kernel passes on the lower halves; a 64-bit program that uses int 0x80 has upper ones.
    for (uint64_t& argument : out.arguments) argument = static_cast<uint32_t>(argument);
  } else if ((out.number & kX32Bit) != 0 && out.number != UINT32_MAX) {
    // Like libseccomp: -1 has the x32 bit set and is an x86_64 number all the same.
    out.abi = Abi::kX32;
    out.number &= ~kX32Bit;
  }
  return out;
}

bool ReadWord(int tid, uint64_t address, uint64_t* word) {
  return TaskMemory(tid).ReadWord(address, word);
}

std::optional<std::string> ExecutedPath(int tid) {
  const std::string vector = Slurp(ProcPath(tid, "auxv"), 4096);
  uint64_t address = AuxiliaryValue<uint64_t>(vector, kExecutableName);
  if (address == 0) address = AuxiliaryValue<uint32_t>(vector, kExecutableName);
  if (address == 0) return std::nullopt;
  const TaskMemory memory(tid);
  std::string path;
  std::array<char, 256> part{};
  // One byte over the longest that is kept: the tally counts a path that was cut.
  while (path.size() <= Tally::kPathBytes) {
    // Pieces end where pages may: what lies behind the string may not be there.
    const size_t wanted = part.size() - (address + path.size()) % part.size();
    const size_t got = memory.Read(address + path.size(), part.data(), wanted);
    const char* const end = std::find(part.data(), part.data() + got, '\0');
    path.append(static_cast<const char*>(part.data()), end);
    if (end != part.data() + got) return path;
    if (got < wanted) return std::nullopt;
  }
  return path;
}

std::optional<TaskStatus> ReadStatus(int tid) {
  std::ifstream file(ProcPath(tid, "status"));
  TaskStatus out;
  bool any = false;
  int mode = 0;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    const char* const value = line.c_str() + std::min(line.size(), colon + 2);
    any = true;
    if (key == "State") out.state = *value;
    if (key == "Tgid") out.process = atoi(value);
    if (key == "PPid") out.parent = atoi(value);
    if (key == "TracerPid") out.tracer = atoi(value);
    if (key == "Seccomp") mode = atoi(value);
    if (key == "Seccomp_filters") out.filters = atoi(value);
    if (key == "NSpid") {
      const size_t last = line.rfind('\t');
      out.namespace_init = last > colon + 1 && line.compare(last + 1, std::string::npos, "1") == 0;
    }
  }
  if (!any) return std::nullopt;
  if (mode != 0) out.filters = std::max(out.filters, 1);
  return out;
}

std::string Name(int pid) {
  std::string name = Slurp(ProcPath(pid, "comm"), 64);
  if (name.ends_with('\n')) name.pop_back();
  return name;
}

}  // namespace sysieve::tracee
