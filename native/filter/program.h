// One classic BPF program as seccomp(2) takes and runs it.
#ifndef SYSIEVE_FILTER_PROGRAM_H_
#define SYSIEVE_FILTER_PROGRAM_H_

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"

namespace sysieve::filter {

class Program {
 public:
  // `bytes`: struct sock_filter in the machine's byte order, at any alignment. Accepts exactly what
  // the kernel accepts for seccomp; anything else is EINVAL, the detail naming the first
  // instruction that is refused. `out` is unchanged on error.
  static Status Load(const void* bytes, size_t size, Program* out);

  // The SECCOMP_RET word as the program returns it: an action that this kernel would not know is
  // passed on as it is. Needs a loaded program.
  [[nodiscard]] uint32_t Run(const seccomp_data& data) const;

  [[nodiscard]] size_t size() const { return instructions_.size(); }

 private:
  std::vector<sock_filter> instructions_;
};

}  // namespace sysieve::filter

#endif  // SYSIEVE_FILTER_PROGRAM_H_
