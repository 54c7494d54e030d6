// core/memory: what is at hand is read, and nothing that would have to be waited for.
#include "core/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "test/check.h"
#include "test/target.h"

namespace sysieve::test {
namespace {

size_t PageBytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

uint64_t Address(const void* at) { return reinterpret_cast<uintptr_t>(at); }

// The end of a page behind which nothing may be read.
char* LastPage() {
  void* const pages = mmap(nullptr, 2 * PageBytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED);
  CHECK(mprotect(pages, PageBytes(), PROT_READ | PROT_WRITE) == 0);
  memset(pages, 'a', PageBytes());
  return static_cast<char*>(pages) + PageBytes();
}

TEST(ReadsToWhereTheMemoryEnds) {
  const char* const end = LastPage();
  const Target target([] {});
  const TaskMemory memory(target.pid());
  std::array<char, 64> bytes{};
  CHECK_EQ(memory.Read(Address(end - 10), bytes.data(), bytes.size()), size_t{10});
  CHECK_EQ(std::string(bytes.data()), std::string(10, 'a'));
  uint64_t word = 7;
  CHECK(memory.ReadWord(Address(end - 8), &word));
  CHECK_EQ(word, uint64_t{0x6161616161616161});
  CHECK(!memory.ReadWord(Address(end - 7), &word));
  CHECK_EQ(memory.Read(Address(end), bytes.data(), bytes.size()), size_t{0});
  CHECK_EQ(memory.Read(UINT64_MAX - 7, bytes.data(), 8), size_t{0});
}

TEST(ReadsAcrossPages) {
  std::string text(3 * PageBytes(), 'b');
  text.back() = 'c';
  const Target target([] {});
  std::string read(text.size(), 0);
  CHECK_EQ(TaskMemory(target.pid()).Read(Address(text.data()), read.data(), read.size()),
           text.size());
  CHECK(read == text);
}

TEST(ReadsNothingOfWhoIsNotThere) {
  int gone = 0;
  {
    const Target target([] {});
    gone = target.pid();
  }
  uint64_t word = 0;
  CHECK(!TaskMemory(gone).ReadWord(Address(&word), &word));
}

// Of a page that a handler of faults is to fill, and does not: this would never return.
TEST(DoesNotWaitForAHandlerOfFaults) {
  void* const shared =
      mmap(nullptr, PageBytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  void* volatile* const told = static_cast<void* volatile*>(shared);
  const Target target([told] { *told = UnservedPage(); });
  if (*told == nullptr) SKIP("userfaultfd is not permitted");
  uint64_t word = 0;
  CHECK(!TaskMemory(target.pid()).ReadWord(Address(*told), &word));
}

// The file may be one that never answers.
TEST(DoesNotFetchPagesOfFiles) {
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK(file >= 0);
  const void* const page = mmap(nullptr, PageBytes(), PROT_READ, MAP_PRIVATE, file, 0);
  CHECK(page != MAP_FAILED);
  const Target untouched([] {});
  uint64_t word = 0;
  CHECK(!TaskMemory(untouched.pid()).ReadWord(Address(page), &word));
  const Target touched([page] {
    if (*static_cast<const volatile char*>(page) != 0x7f) _exit(97);
  });
  CHECK(TaskMemory(touched.pid()).ReadWord(Address(page), &word));
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
