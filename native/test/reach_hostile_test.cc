// Files that are made to be hard to read: each is gone through, or refused, within the limits.
#include <elf.h>

#include "test/check.h"
#include "test/elf_image.h"
#include "test/guarded_scan.h"

namespace {

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
using sysieve::test::Says;

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

std::string Survives(const Bytes& bytes, const char* what) {
  const Guarded scanned = GuardedScan(bytes);
  fprintf(stderr, "  %-28s %8zu bytes %6.2f s %5.1f MiB\n", what, bytes.size(), scanned.seconds,
          static_cast<double>(scanned.memory) / (1 << 20));
  CHECK(!scanned.said.empty());
  CHECK(scanned.seconds < kMaxSeconds);
  CHECK(scanned.memory < kMaxMemory);
  return scanned.said;
}
std::string Survives(const Image& image, const char* what) { return Survives(image.Build(), what); }

Elf64_Dyn Dynamic(int64_t tag, uint64_t value) {
  Elf64_Dyn one{};
  one.d_tag = tag;
  one.d_un.d_val = value;
  return one;
}

Assembler Plain() { return Assembler().MovEax(60).Syscall().Ret(); }

constexpr size_t kMany = 256 << 10;  // bytes of code

}  // namespace

TEST(CutOffAnywhere) {
  const Bytes whole = ReadWhole("/bin/true");
  CHECK(whole.size() > 10000);
  for (size_t i = 0; i < 64; i++) {
    const size_t size = i < 32 ? i * 16 : whole.size() * (i - 32) / 32;
    const Guarded scanned = GuardedScan({whole.data(), size});
    CHECK(!scanned.said.empty());
    CHECK(scanned.seconds < kMaxSeconds);
  }
}

TEST(SegmentsOverEachOther) {
  Image image{Plain().code()};
  image.code.resize(kMany, 0x90);
  for (uint64_t i = 1; i < 126; i++)
    image.more_headers.push_back({PT_LOAD, PF_R | PF_X, 64, kCodeAt + i * 8, 0, kMany, kMany, 1});
  CHECK(Says(Survives(image, "overlapping segments"), "oddities"));
  for (auto& one : image.more_headers) one.p_vaddr = kCodeAt + (one.p_vaddr - kCodeAt) * kMany;
  Survives(image, "the same code many times");
  for (auto& one : image.more_headers) one.p_vaddr = ~uint64_t{0} - kMany / 2;
  Survives(image, "around the end of memory");
}

TEST(HugeCounts) {
  Image image{Plain().code()};
  image.shared = true;
  Append(image.data, uint32_t{1});
  Append(image.data, ~uint32_t{0});
  image.data.resize(4096, 0xff);
  for (const uint64_t at : {kDataAt, kDataAt + 4090, ~uint64_t{0} - 8, uint64_t{0}}) {
    image.dynamic = {Dynamic(DT_HASH, kDataAt),      Dynamic(DT_SYMTAB, at),
                     Dynamic(DT_STRTAB, at),         Dynamic(DT_STRSZ, ~uint64_t{0}),
                     Dynamic(DT_RELA, at),           Dynamic(DT_RELASZ, ~uint64_t{0}),
                     Dynamic(DT_JMPREL, at),         Dynamic(DT_PLTRELSZ, ~uint64_t{0}),
                     Dynamic(DT_RELR, at),           Dynamic(DT_RELRSZ, ~uint64_t{0}),
                     Dynamic(DT_VERSYM, at),         Dynamic(DT_VERDEF, at),
                     Dynamic(DT_VERDEFNUM, ~0UL),    Dynamic(DT_VERNEED, at),
                     Dynamic(DT_VERNEEDNUM, ~0UL),   Dynamic(DT_INIT_ARRAY, at),
                     Dynamic(DT_INIT_ARRAYSZ, ~0UL), Dynamic(DT_NEEDED, ~0UL)};
    Survives(image, "huge counts");
  }
  image.dynamic[0] = Dynamic(DT_GNU_HASH, kDataAt);
  Survives(image, "huge counts of a GNU hash");
}

TEST(ChainsThatLeadBack) {
  Image image{Plain().code()};
  image.shared = true;
  // Definitions and needs of versions that are their own next, and chains without an end.
  Elf64_Verdef definition{};
  definition.vd_next = 4;
  Elf64_Verneed need{};
  need.vn_cnt = 0xffff;
  need.vn_next = 4;
  for (int i = 0; i < 512; i++) {
    Append(image.data, definition);
    Append(image.data, need);
  }
  image.dynamic = {Dynamic(DT_VERSYM, kDataAt),      Dynamic(DT_SYMTAB, kDataAt),
                   Dynamic(DT_STRTAB, kDataAt + 64), Dynamic(DT_STRSZ, 4096),
                   Dynamic(DT_VERDEF, kDataAt),      Dynamic(DT_VERDEFNUM, 1U << 31),
                   Dynamic(DT_VERNEED, kDataAt),     Dynamic(DT_VERNEEDNUM, 1U << 31),
                   Dynamic(DT_GNU_HASH, kDataAt)};
  Survives(image, "versions that lead back");
}

TEST(ABombOfRelativeRelocations) {
  Image image{Plain().code()};
  image.shared = true;
  // Every bit of every word: 63 places each, over and over the same.
  for (size_t i = 0; i < kMany / 8; i++) Append(image.data, i % 64 == 0 ? kDataAt : ~uint64_t{0});
  image.dynamic = {Dynamic(DT_RELR, kDataAt), Dynamic(DT_RELRSZ, image.data.size())};
  Survives(image, "a bomb of relocations");
}

TEST(UnwindTablesWithoutAnEnd) {
  Image image{Plain().code()};
  // .eh_frame_hdr, that says where the table is; then entries that name themselves or each other.
  image.data = {1, 0x04, 0xff, 0xff};
  Append(image.data, kDataAt + 16);
  image.data.resize(16);
  for (uint32_t i = 0; i < kMany / 8; i++) {
    Append(image.data, uint32_t{4});
    Append(image.data, i % 3 == 0 ? uint32_t{0} : i * 8 % 4096 + 4);
  }
  image.more_headers.push_back({PT_GNU_EH_FRAME, PF_R, 0, kDataAt, 0, 12, 12, 1});
  Survives(image, "unwind tables");
}

TEST(GiantFunctions) {
  Assembler straight;
  while (straight.here() < 4 * kMany) straight.MovEax(1).Syscall();
  Survives(Image{straight.code()}, "a giant function");

  // Each jump to the next instruction: as many blocks as can be.
  Assembler blocks;
  while (blocks.here() < kMany) blocks.Put({0x74, 0x00});
  Survives(Image{blocks.Syscall().code()}, "a function of jumps");

  // All the way back, while numbers grow: much to be gone through again.
  Assembler loops;
  for (int i = 0; i < 2000; i++) {
    loops.Put(
        {0xff, 0xc0, 0x48, 0x89, 0x44, 0x24, static_cast<uint8_t>(i)});  // inc eax; mov [rsp+i],rax
    loops.Put({0x0f, 0x84}).Put32(static_cast<uint32_t>(-static_cast<int64_t>(loops.here() + 4)));
  }
  Survives(Image{loops.Syscall().Ret().code()}, "loops in loops");

  Assembler indirect;
  while (indirect.here() < kMany) indirect.Put({0xff, 0xe0});  // jmp rax
  Survives(Image{indirect.Syscall().code()}, "jumps through a register");
}

TEST(ManyTinyFunctions) {
  Assembler chain;
  chain.Put({0x48, 0x89, 0xf8}).Syscall().Ret();
  size_t before = 0;
  while (chain.here() < kMany) {
    const size_t here = chain.Function();
    chain.Put({0x48, 0x89, 0xd7}).Call(before).Call(0).Ret();  // mov rdi,rdx
    before = here;
  }
  Survives(Image{chain.code(), before}, "wrappers of wrappers");

  // Two that call each other, of which there are as many as use up what may be spent.
  Assembler cycle;
  while (cycle.here() < kMany) {
    const size_t here = cycle.Function();
    cycle.Put({0x48, 0x89, 0xf8}).Syscall().Call(here + 16).Put({0xc3});
    cycle.Function();
    cycle.Call(here).Call(0).Put({0xc3});
  }
  Survives(Image{cycle.code()}, "wrappers in circles");

  // One that is given numbers in every place, and many that call it.
  Assembler star;
  for (uint8_t at = 8; at < 248; at += 8) star.Put({0x48, 0x8b, 0x44, 0x24, at}).Syscall();
  star.Ret();
  while (star.here() < kMany) {
    star.Function();
    star.Call(0).Ret();
  }
  Survives(Image{star.code()}, "a wrapper of thirty");
}

TEST(DenseCalls) {
  Assembler calls;
  while (calls.here() < kMany)
    calls.Put({0xe8}).Put32(static_cast<uint32_t>(calls.here() * 7919 % kMany));
  Survives(Image{calls.code()}, "calls into everything");

  // Each leads into the middle of the one before: every sweep finds one more.
  Assembler middle;
  while (middle.here() < kMany) middle.Put({0xe8}).Put32(static_cast<uint32_t>(-8));
  Survives(Image{middle.code()}, "calls into calls");

  Bytes nothing(kMany, 0x06);  // no instruction
  Bytes data;
  for (uint64_t i = 0; i < kMany; i += 2) Append(data, kCodeAt + i);
  // No function begins anywhere but where data says.
  Survives(Image{nothing, 2 * kMany, data}, "no instructions");
}

TEST(TablesOfJumps) {
  Assembler code;
  for (int i = 0; i < 4000; i++)
    code.Put({0x8b, 0x04, 0x8d}).Put32(static_cast<uint32_t>(kDataAt + i)).Syscall();
  code.Put({0xff, 0xe0});
  Bytes data;
  for (uint32_t i = 0; i < 16384; i++) Append(data, i);
  Survives(Image{code.code(), 0, data}, "tables");
}
