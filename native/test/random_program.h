// Random filters, valid and nearly so.
#ifndef SYSIEVE_TEST_RANDOM_PROGRAM_H_
#define SYSIEVE_TEST_RANDOM_PROGRAM_H_

#include <linux/filter.h>

#include <cstdint>
#include <random>
#include <vector>

namespace sysieve::test {

using Instructions = std::vector<sock_filter>;

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // 0 … limit − 1
  uint32_t Below(uint32_t limit) {
    return std::uniform_int_distribution<uint32_t>(0, limit - 1)(engine_);
  }
  bool Chance(uint32_t one_in) { return Below(one_in) == 0; }
  // Small ones, edges of 32 bits, and any.
  uint32_t Word();
  uint64_t Word64() { return static_cast<uint64_t>(Word()) << 32 | Word(); }

 private:
  std::mt19937_64 engine_;
};

// The kernel takes it: 1 to `most` instructions and then `return A`. Divides by X only where X is
// not 0, keeps off the words of memory from `kReserved` on, and returns nowhere before the end.
Instructions RandomBody(Random* random, uint32_t most);
constexpr uint32_t kReserved = 14;

// One or two fields of it changed at random.
void Damage(Random* random, Instructions* program);

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_RANDOM_PROGRAM_H_
