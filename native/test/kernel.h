// The running kernel's own word on a filter.
#ifndef SYSIEVE_TEST_KERNEL_H_
#define SYSIEVE_TEST_KERNEL_H_

#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <vector>

#include "test/random_program.h"

namespace sysieve::test {

// Null: filters can be installed here. Otherwise why not.
const char* WhyNoKernel();

// A number without a call. The filters below let every other one pass.
constexpr int kProbe = 0x5eed;

// `body` behind a guard that sends other numbers than kProbe past it. The kernel takes the whole
// just if it takes the body alone (less the guard's length).
Instructions Guarded(const Instructions& body);

// Whether the kernel takes this program, which must be a guarded one.
bool KernelTakes(const Instructions& program);

// The accumulator that `body`, made by RandomBody, returns for kProbe with each of these arguments.
// The sixth argument is not free: it carries which bits are asked for.
std::vector<uint32_t> KernelAnswers(const Instructions& body,
                                    const std::vector<std::array<uint64_t, 5>>& arguments);

// The signal that ends a process which calls kProbe under `body`; 0: it goes on.
int SignalUnder(const Instructions& body);

// What the kernel gives the filter for kProbe with these arguments, the first round of
// KernelAnswers.
seccomp_data ProbeData(const std::array<uint64_t, 5>& arguments, uint64_t sixth);

// The program that KernelAnswers installs: `body` and then an ERRNO of twelve bits of what it
// returns, shifted right by the low word of the sixth argument.
Instructions Answering(const Instructions& body);

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_KERNEL_H_
