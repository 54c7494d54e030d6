// A scan that is held to limits: neither the time nor the memory of any file may run away.
#ifndef SYSIEVE_TEST_GUARDED_SCAN_H_
#define SYSIEVE_TEST_GUARDED_SCAN_H_

#include <cstdint>
#include <span>
#include <string>

namespace sysieve::test {

struct Guarded {
  std::string said;
  double seconds = 0;   // of the processor
  uint64_t memory = 0;  // bytes that were allocated at once, at most
};

// Under a sanitizer, which makes it several times slower and counts what is allocated.
Guarded GuardedScan(std::span<const uint8_t> bytes);

// What a file of any content may take, sanitizers included.
constexpr double kMaxSeconds = 10;
constexpr uint64_t kMaxMemory = 512UL << 20;

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_GUARDED_SCAN_H_
