// The scanner's reading of files: what it says of this very program, which knows itself; and
// SHA-256.
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "reach/code.h"
#include "reach/sha256.h"
#include "test/check.h"
#include "test/elf_image.h"

namespace {

using sysieve::reach::Code;
using sysieve::reach::Elf;
using sysieve::reach::Event;
using sysieve::reach::Sha256;
using sysieve::reach::Sweep;
using sysieve::reach::Symbol;
using sysieve::test::Bytes;
using sysieve::test::ReadWhole;

// Where this program was loaded: an address in the file is so much less.
uint64_t LoadedAt() {
  uint64_t at = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* to) {
        *static_cast<uint64_t*>(to) = info->dlpi_addr;
        return 1;
      },
      &at);
  return at;
}

__attribute__((noinline)) void MayThrow(int count) {
  if (count > 1) throw count;
}

__attribute__((noinline)) int Catches(int count) {
  try {
    MayThrow(count);
  } catch (int) {
    return static_cast<int>(syscall(SYS_getppid));
  }
  return 0;
}

struct Own {
  Bytes bytes = ReadWhole("/proc/self/exe");
  Elf elf;
  std::string why = elf.Parse(bytes);
};

const Own& Self() {
  static const Own own;
  return own;
}

uint64_t InFile(const void* at) { return reinterpret_cast<uint64_t>(at) - LoadedAt(); }

}  // namespace

TEST(ReadsWhatTheLoaderReads) {
  CHECK_EQ(Self().why, std::string());
  const Elf& elf = Self().elf;
  CHECK_EQ(elf.interpreter, std::string("/lib64/ld-linux-x86-64.so.2"));
  CHECK(std::count(elf.needed.begin(), elf.needed.end(), "libc.so.6") == 1);
  CHECK(!elf.is_static);
  CHECK_EQ(elf.oddities, uint64_t{0});
  CHECK_EQ(elf.build_id.size(), size_t{40});
}

TEST(ReadsImportsWithTheirVersions) {
  const auto& symbols = Self().elf.dynamic_symbols;
  const auto found = std::find_if(symbols.begin(), symbols.end(),
                                  [](const Symbol& one) { return one.name == "dl_iterate_phdr"; });
  CHECK(found != symbols.end());
  if (found == symbols.end()) return;
  CHECK_EQ(std::string(found->version), std::string("GLIBC_2.2.5"));
}

TEST(KnowsWhereFunctionsBeginAndEnd) {
  const uint64_t at = InFile(reinterpret_cast<const void*>(&Catches));
  const auto& ranges = Self().elf.unwind_ranges;
  const auto found =
      std::find_if(ranges.begin(), ranges.end(), [at](const auto& one) { return one.start == at; });
  CHECK(found != ranges.end());
  if (found == ranges.end()) return;
  CHECK(found->end > at + 16);
  CHECK(found->landing_pads);
  const uint64_t other = InFile(reinterpret_cast<const void*>(&MayThrow));
  CHECK(std::any_of(ranges.begin(), ranges.end(),
                    [other](const auto& one) { return one.start == other && !one.landing_pads; }));
  CHECK_EQ(Catches(0), 0);
}

TEST(SweepFindsCallsAndImports) {
  const Code code = Sweep(Self().elf);
  const int64_t index = code.Find(InFile(reinterpret_cast<const void*>(&Catches)));
  CHECK(index >= 0);
  if (index < 0) return;
  bool calls = false;
  bool imports = false;
  for (const Event& event : code.functions[index].events) {
    calls |= event.kind == Event::Kind::kCall &&
             event.target == InFile(reinterpret_cast<const void*>(&MayThrow));
    imports |= event.kind == Event::Kind::kCallImport &&
               Self().elf.dynamic_symbols[event.target].name == "syscall";
  }
  CHECK(calls);
  CHECK(imports);
}

TEST(FunctionsDoNotOverlap) {
  const Code code = Sweep(Self().elf);
  CHECK(code.functions.size() > 100);
  for (size_t i = 1; i < code.functions.size(); i++)
    CHECK(code.functions[i - 1].end <= code.functions[i].start);
}

TEST(Sha256OfTheStandard) {
  const auto of = [](const std::string& text) {
    return Sha256({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  // FIPS 180-4's examples, and one around the length at which the tail takes two blocks.
  CHECK_EQ(of(""), std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  CHECK_EQ(of("abc"),
           std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  CHECK_EQ(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           std::string("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
}

int main() { return sysieve::test::RunAll(); }
