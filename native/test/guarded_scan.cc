#include "test/guarded_scan.h"

#include <algorithm>
#include <cstddef>
#include <ctime>

#include "test/elf_image.h"

// Of the sanitizers' runtime; GCC comes without the header (sanitizer/allocator_interface.h).
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, size_t),
                                              void (*freed)(const volatile void*));
size_t __sanitizer_get_allocated_size(const volatile void* at);
}

namespace sysieve::test {

namespace {

uint64_t now = 0;
uint64_t most = 0;

void Allocated(const volatile void*, size_t size) {
  now += size;
  most = std::max(most, now);
}

void Freed(const volatile void* at) {
  if (at != nullptr) now -= std::min<uint64_t>(now, __sanitizer_get_allocated_size(at));
}

double Seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

Guarded GuardedScan(std::span<const uint8_t> bytes) {
  static const int hooked = __sanitizer_install_malloc_and_free_hooks(Allocated, Freed);
  Guarded guarded;
  if (hooked == 0) return guarded;
  now = 0;
  most = 0;
  const double start = Seconds();
  guarded.said = ScanOf(bytes);
  guarded.seconds = Seconds() - start;
  guarded.memory = most;
  return guarded;
}

}  // namespace sysieve::test
