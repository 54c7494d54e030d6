// Real programs, and hand-made ones, changed at random in thousands of ways: a scan ends within the
// limits, and the sanitizers have nothing to say. SYSIEVE_SEED: the same ones again.
// SYSIEVE_SOAK=1: for ten minutes.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>

#include "test/check.h"
#include "test/elf_image.h"
#include "test/guarded_scan.h"

namespace {

using sysieve::reach::Elf;
using sysieve::test::Append;
using sysieve::test::Assembler;
using sysieve::test::Bytes;
using sysieve::test::Guarded;
using sysieve::test::GuardedScan;
using sysieve::test::Image;
using sysieve::test::kCodeAt;
using sysieve::test::kDataAt;
using sysieve::test::kMaxMemory;
using sysieve::test::kMaxSeconds;
using sysieve::test::ReadWhole;

struct Range {
  size_t at;
  size_t size;
};

// A file, and the parts of it that are read as tables.
struct Seed {
  std::string name;
  Bytes bytes;
  std::vector<Range> parts;
};

Seed SeedOf(std::string name, Bytes bytes) {
  Seed seed{std::move(name), std::move(bytes), {}};
  const auto add = [&](size_t at, size_t size) {
    if (at < seed.bytes.size() && size > 0)
      seed.parts.push_back({at, std::min(size, seed.bytes.size() - at)});
  };
  Elf elf;
  const std::string why = elf.Parse(seed.bytes);
  Elf64_Ehdr header{};
  std::memcpy(&header, seed.bytes.data(), sizeof(header));
  add(0, sizeof(header));
  add(header.e_phoff, size_t{header.e_phnum} * sizeof(Elf64_Phdr));
  add(header.e_shoff, size_t{header.e_shnum} * sizeof(Elf64_Shdr));
  if (why.empty()) {
    for (const auto& section : elf.sections) add(section.offset, section.size);
    for (const auto& segment : elf.segments) add(segment.offset, segment.file_size);
  }
  return seed;
}

// Something of everything in very few bytes: a thousand times as many of these can be gone through.
Bytes Small() {
  Assembler code;
  code.Put({0x48, 0x89, 0xf8}).Syscall().Ret();
  const size_t other = code.Function();
  code.Put({0x48, 0x8d, 0x15}).Put32(static_cast<uint32_t>(kDataAt - (kCodeAt + code.here() + 4)));
  code.Put({0x8b, 0x3c, 0x8a}).Call(0).Put({0x74, 0xee}).MovEax(60).Syscall().Put({0xff, 0xe2});
  code.Put({0x48, 0x83, 0xec, 0x10, 0x6a, 0x27, 0x58, 0xcd, 0x80, 0xc9}).Jump(other);
  Bytes data;
  for (const uint32_t number : {250U, 248U, 249U, 1U}) Append(data, number);
  Append(data, kCodeAt + other);
  Image image{code.code(), other, data};
  image.shared = true;
  for (const auto& [tag, value] : {std::pair<int64_t, uint64_t>{DT_SYMTAB, kDataAt},
                                   {DT_STRTAB, kDataAt + 8},
                                   {DT_STRSZ, 16},
                                   {DT_RELA, kDataAt},
                                   {DT_RELASZ, 48},
                                   {DT_RELR, kDataAt + 16},
                                   {DT_RELRSZ, 8},
                                   {DT_INIT_ARRAY, kDataAt + 16},
                                   {DT_INIT_ARRAYSZ, 8},
                                   {DT_VERSYM, kDataAt},
                                   {DT_VERDEF, kDataAt},
                                   {DT_VERDEFNUM, 3},
                                   {DT_GNU_HASH, kDataAt}}) {
    Elf64_Dyn one{};
    one.d_tag = tag;
    one.d_un.d_val = value;
    image.dynamic.push_back(one);
  }
  return image.Build();
}

bool IsSoak() {
  const char* const soak = getenv("SYSIEVE_SOAK");
  return soak != nullptr && std::string(soak) == "1";
}

std::vector<Seed> Seeds() {
  std::vector<Seed> seeds;
  std::vector<const char*> paths{"/bin/true", "/lib/x86_64-linux-gnu/libdl.so.2",
                                 "/lib/x86_64-linux-gnu/libBrokenLocale.so.1", "/bin/ls"};
  // Those take long: a Go program, a static one, one with landing pads
  // (scripts/build-reach-fixtures).
  if (IsSoak()) {
    for (const char* path : {"build/fixtures/reach/empty-go", "build/fixtures/reach/empty.musl",
                             "build/fixtures/reach/pointers.static", "build/fixtures/reach/virtual",
                             "build/fixtures/reach/switch.no-pie"})
      paths.push_back(path);
  }
  for (const char* path : paths) {
    Bytes bytes = ReadWhole(path);
    if (bytes.size() > sizeof(Elf64_Ehdr)) seeds.push_back(SeedOf(path, std::move(bytes)));
  }
  // As often as all others together.
  const size_t real = seeds.size();
  for (size_t i = 0; i < std::max<size_t>(real, 1); i++) seeds.push_back(SeedOf("small", Small()));
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : engine_(seed) {}

  size_t Below(size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit - 1)(engine_);
  }

  Bytes Changed(const Seed& seed) {
    Bytes bytes = seed.bytes;
    for (size_t left = 1 + Below(8); left > 0; left--) Change(seed, bytes);
    if (Below(20) == 0) bytes.resize(Below(bytes.size()) + 1);
    return bytes;
  }

 private:
  void Change(const Seed& seed, Bytes& bytes) {
    const Range part =
        Below(8) == 0 ? Range{0, bytes.size()} : seed.parts[Below(seed.parts.size())];
    const size_t at = part.at + Below(part.size);
    switch (Below(4)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1U << Below(8));
        return;
      case 1:
        bytes[at] = static_cast<uint8_t>(Below(256));
        return;
      case 2: {
        // Something from elsewhere in the same table.
        const size_t from = part.at + Below(part.size);
        const size_t size = std::min({Below(64) + 1, bytes.size() - at, bytes.size() - from});
        std::memmove(bytes.data() + at, bytes.data() + from, size);
        return;
      }
      default: {
        const size_t width = size_t{1} << Below(4);
        const size_t place = at / width * width;
        const uint64_t value = Interesting(bytes.size());
        if (place + width <= bytes.size()) std::memcpy(bytes.data() + place, &value, width);
      }
    }
  }

  uint64_t Interesting(size_t size) {
    switch (Below(8)) {
      case 0:
        return 0;
      case 1:
        return ~uint64_t{0};
      case 2:
        return uint64_t{1} << Below(64);
      case 3:
        return (uint64_t{1} << Below(64)) - 1;
      case 4:
        return size - Below(16);
      case 5:
        return ~uint64_t{0} - Below(4096);
      case 6:
        return kCodeAt + Below(256);
      default:
        return Below(size);
    }
  }

  std::mt19937_64 engine_;
};

uint64_t SeedNumber() {
  const char* const given = getenv("SYSIEVE_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

}  // namespace

TEST(ChangedAtRandom) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::seconds(IsSoak() ? 600 : 15);
  const uint64_t number = SeedNumber();
  fprintf(stderr, "SYSIEVE_SEED=%llu\n", static_cast<unsigned long long>(number));
  fflush(stdout);
  const std::vector<Seed> seeds = Seeds();
  Mutator mutator(number);
  int count = 0;
  int scanned = 0;
  Guarded worst;
  while (Clock::now() < until) {
    const Seed& seed = seeds[mutator.Below(seeds.size())];
    const Guarded one = GuardedScan(mutator.Changed(seed));
    count++;
    scanned += one.said.starts_with('{') ? 1 : 0;
    worst.seconds = std::max(worst.seconds, one.seconds);
    worst.memory = std::max(worst.memory, one.memory);
    if (one.seconds < kMaxSeconds && one.memory < kMaxMemory && !one.said.empty()) continue;
    sysieve::test::Fail(__FILE__, __LINE__,
                        seed.name + ", number " + std::to_string(count) + ": " +
                            std::to_string(one.seconds) + " s, " + std::to_string(one.memory) +
                            " bytes");
    break;
  }
  fprintf(stderr, "%d files, %d of them scanned, at most %.2f s and %.1f MiB\n", count, scanned,
          worst.seconds, static_cast<double>(worst.memory) / (1 << 20));
  // Else what is changed is refused at the door, and nothing is tried.
  CHECK(scanned > count / 4);
  CHECK(count > 200);
}

int main() { return sysieve::test::RunAll(); }
