// Which numbers reach a gate, by snippets of machine code.
#include "test/check.h"
#include "test/elf_image.h"

namespace {

using sysieve::test::Append;
using sysieve::test::Assembler;
using sysieve::test::Bytes;
using sysieve::test::Image;
using sysieve::test::kCodeAt;
using sysieve::test::kDataAt;
using sysieve::test::Says;
using sysieve::test::ScanOf;

std::string Of(const Assembler& code, size_t entry = 0) {
  return ScanOf(Image{code.code(), entry});
}

}  // namespace

TEST(AConstant) {
  CHECK(Says(Of(Assembler().MovEax(250).Syscall().Ret()), R"("native":[250])"));
  // push 39; pop rax
  CHECK(Says(Of(Assembler().Put({0x6a, 39, 0x58}).Syscall().Ret()), R"("native":[39])"));
  // xor eax,eax; add eax,60
  CHECK(
      Says(Of(Assembler().Put({0x31, 0xc0, 0x83, 0xc0, 60}).Syscall().Ret()), R"("native":[60])"));
  // mov ecx,207; xchg rax,rcx
  CHECK(Says(Of(Assembler().Put({0xb9}).Put32(207).Put({0x48, 0x91}).Syscall().Ret()),
             R"("native":[207])"));
}

TEST(TheGateOf32BitCode) {
  CHECK(Says(Of(Assembler().MovEax(134).Put({0xcd, 0x80}).Ret()), R"("foreign":[134])"));
  CHECK(!Says(Of(Assembler().MovEax(134).Put({0xcd, 0x81}).Ret()), "foreign"));
}

TEST(NotKnownIsSaid) {
  // mov rax,[rdi]
  const std::string said = Of(Assembler().Put({0x48, 0x8b, 0x07}).Syscall().Ret());
  CHECK(Says(said, R"("unresolved":1)"));
  CHECK(!Says(said, "native"));
  // What a call returns.
  Assembler code;
  code.Put({0x90}).Ret();
  const size_t entry = code.Function();
  code.Call(0).Syscall().Ret();
  CHECK(Says(Of(code, entry), R"("unresolved":1)"));
}

TEST(EitherOfTwo) {
  // mov eax,1; mov ecx,2; cmovne eax,ecx
  CHECK(Says(Of(Assembler().MovEax(1).Put({0xb9}).Put32(2).Put({0x0f, 0x45, 0xc1}).Syscall().Ret()),
             R"("native":[1,2])"));
  // mov eax,1; je over; mov eax,60; over: syscall
  CHECK(Says(Of(Assembler().MovEax(1).Put({0x74, 5}).MovEax(60).Syscall().Ret()),
             R"("native":[1,60])"));
  // sete al; movzx eax,al; add eax,206
  CHECK(Says(
      Of(Assembler().Put({0x0f, 0x94, 0xc0, 0x0f, 0xb6, 0xc0, 0x05}).Put32(206).Syscall().Ret()),
      R"("native":[206,207])"));
}

TEST(AfterAGateItsResult) {
  CHECK(
      Says(Of(Assembler().MovEax(1).Syscall().Syscall().Ret()), R"("native":[1],"unresolved":1)"));
}

TEST(ThroughWrappers) {
  Assembler code;
  code.Put({0x48, 0x89, 0xf8}).Syscall().Ret();  // mov rax,rdi
  const size_t outer = code.Function();
  code.Put({0x48, 0x89, 0xf7}).Call(0).Put({0x90}).Ret();  // mov rdi,rsi
  const size_t tail = code.Function();
  code.Jump(0);
  const size_t entry = code.Function();
  code.Put({0xbe}).Put32(39).Call(outer).MovEdi(102).Call(tail).Ret();
  const std::string said = Of(code, entry);
  CHECK(Says(said, R"("native":[39,102])"));
  CHECK(!Says(said, "unresolved"));
}

TEST(ThroughTheStack) {
  Assembler code;
  code.Put({0x48, 0x8b, 0x44, 0x24, 0x08}).Syscall().Ret();  // mov rax,[rsp+8]
  const size_t entry = code.Function();
  code.Put({0x6a, 77}).Call(0).Put({0x58}).Ret();  // push 77; call; pop rax
  CHECK(Says(Of(code, entry), R"("native":[77])"));
}

TEST(WhatOthersMayChangeIsNotKnown) {
  // mov [rsp-8],1; lea rdi,[rsp-8]; call; mov rax,[rsp-8]
  Assembler code;
  code.Put({0x90}).Ret();
  const size_t entry = code.Function();
  code.Put({0x48, 0xc7, 0x44, 0x24, 0xf8}).Put32(1).Put({0x48, 0x8d, 0x7c, 0x24, 0xf8});
  code.Call(0).Put({0x48, 0x8b, 0x44, 0x24, 0xf8}).Syscall().Ret();
  const std::string said = Of(code, entry);
  CHECK(Says(said, R"("unresolved":1)"));
}

TEST(OutOfTables) {
  Bytes data;
  for (const uint32_t number : {250U, 248U, 249U}) Append(data, number);
  // lea rdx,[rip+table]; mov eax,[rdx+rcx*4]
  Assembler code;
  code.Put({0x48, 0x8d, 0x15}).Put32(static_cast<uint32_t>(kDataAt - (kCodeAt + 7)));
  code.Put({0x8b, 0x04, 0x8a}).Syscall().Ret();
  Image image{code.code(), 0, data};
  CHECK(Says(ScanOf(image), R"("native":[248,249,250])"));
  CHECK(!Says(ScanOf(image), "unresolved"));
  // By an address that is a plain number: mov eax,[rcx*4+table]
  const Assembler plain =
      Assembler().Put({0x8b, 0x04, 0x8d}).Put32(static_cast<uint32_t>(kDataAt)).Syscall().Ret();
  CHECK(Says(ScanOf(Image{plain.code(), 0, data}), R"("native":[248,249,250])"));
  // One that may be written to holds anything.
  image.data_writable = true;
  CHECK(Says(ScanOf(image), R"("unresolved":1)"));
  // One that is too long to be kept says so.
  for (uint32_t number = 0; number < 80; number++) Append(image.data, number);
  image.data_writable = false;
  CHECK(Says(ScanOf(image), R"("unresolved":1)"));
}

TEST(TablesEndWhereCodeRefersToTheNext) {
  Bytes data;
  for (const uint32_t number : {250U, 248U, 1U, 2U}) Append(data, number);
  Assembler code;
  code.Put({0x8b, 0x04, 0x8d}).Put32(static_cast<uint32_t>(kDataAt)).Syscall();
  code.Put({0x8b, 0x34, 0x8d}).Put32(static_cast<uint32_t>(kDataAt + 8)).Ret();
  CHECK(Says(ScanOf(Image{code.code(), 0, data}), R"("native":[248,250])"));
  // Where one of its numbers is read by itself, no other table begins: mov ecx,[rip+…].
  Assembler single;
  single.Put({0x8b, 0x04, 0x8d}).Put32(static_cast<uint32_t>(kDataAt)).Syscall();
  single.Put({0x8b, 0x0d})
      .Put32(static_cast<uint32_t>(kDataAt + 4 - (kCodeAt + single.here() + 4)));
  single.Ret();
  CHECK(Says(ScanOf(Image{single.code(), 0, data}), R"("native":[1,2,248,250])"));
}

TEST(FunctionsThatDataPointsAt) {
  Assembler code;
  code.MovEax(250).Syscall().Ret();
  const size_t entry = code.Function();
  code.Put({0xff, 0x24, 0xcd}).Put32(static_cast<uint32_t>(kDataAt));  // jmp [rcx*8+table]
  Bytes data;
  Append(data, uint64_t{kCodeAt});
  const std::string said = ScanOf(Image{code.code(), entry, data});
  CHECK(Says(said, R"("taken":[0])"));
  CHECK(Says(said, R"("native":[250])"));
}
