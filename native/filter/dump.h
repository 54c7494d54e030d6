// Reads the seccomp filters of a live task out of the kernel, and leaves the task running.
#ifndef SYSIEVE_FILTER_DUMP_H_
#define SYSIEVE_FILTER_DUMP_H_

#include <cstdint>
#include <vector>

#include "core/status.h"

namespace sysieve::filter {

// struct sock_filter as the program was installed, in the machine's byte order.
using ProgramBytes = std::vector<uint8_t>;

// Every filter that task `tid` runs under, oldest first. A process is named by its main thread: its
// other threads may run under other filters, and their ids can be given as well.
//
// The task is stopped for some microseconds by ptrace, which makes one blocking call of it return
// EINTR; what keeps the attempt from succeeding is looked for first, so that a refusal disturbs
// nothing where that can be told. A stopped task stays stopped. A task that cannot be stopped (in
// uninterruptible sleep, waiting for a vfork child, in a frozen v1 cgroup) is given up after
// kStopMs. Should the caller die meanwhile, the kernel detaches.
//
// Blocks for at most kStopMs and a little. Errors, `out` being empty then:
//   ESRCH        there is no such task, or it has ended
//   ENOENT       it runs under no filter
//   EOPNOTSUPP   it is in seccomp's strict mode, which is no filter
//   EBUSY        someone traces it already
//   EPERM        the caller may not trace it
//   EACCES       the caller has no CAP_SYS_ADMIN, or runs under seccomp itself
//   EMEDIUMTYPE  one of its filters is no classic BPF
//   ENOSYS       the kernel has no CONFIG_CHECKPOINT_RESTORE, or no seccomp
//   ETIMEDOUT    it did not stop
Status Dump(int tid, std::vector<ProgramBytes>* out);

constexpr int kStopMs = 5000;

}  // namespace sysieve::filter

#endif  // SYSIEVE_FILTER_DUMP_H_
