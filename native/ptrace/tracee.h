// Reads of one traced task. It may die at any moment, so every function answers "nothing" then.
#ifndef SYSIEVE_PTRACE_TRACEE_H_
#define SYSIEVE_PTRACE_TRACEE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "core/tally.h"
#include "core/tracer.h"

namespace sysieve::tracee {

// At a syscall stop; see PTRACE_GET_SYSCALL_INFO (Linux 5.3).
struct CallStop {
  bool entry = false;
  bool traced = false;      // an entry told by a filter's TRACE
  uint32_t trace_data = 0;  // what that filter said with it
  Abi abi = Abi::kX86_64;
  uint32_t number = 0;  // of an entry; without the x32 bit
  Arguments arguments{};
  int64_t result = 0;  // of an exit
};
// Nothing: errno says why.
std::optional<CallStop> ReadCallStop(int tid);

// A word of the task's memory: all of it or nothing.
bool ReadWord(int tid, uint64_t address, uint64_t* word);

// At the stop after an execve: the path as the kernel took it, a script's its own. It lies in the
// new image (AT_EXECFN), which has executed nothing yet that could have changed it.
std::optional<std::string> ExecutedPath(int tid);

// /proc/TID/status, as far as it matters here.
struct TaskStatus {
  char state = '?';
  int process = 0;
  int parent = 0;
  int tracer = 0;
  int filters = 0;  // seccomp filters; 1 in strict mode, or where the kernel does not count them
  bool namespace_init = false;
};
std::optional<TaskStatus> ReadStatus(int tid);

// What a process calls itself: untrusted text.
std::string Name(int pid);

}  // namespace sysieve::tracee

#endif  // SYSIEVE_PTRACE_TRACEE_H_
