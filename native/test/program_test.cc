// filter/program: what it takes and what it answers, held against the running kernel.
#include "filter/program.h"

#include <linux/audit.h>
#include <signal.h>

#include <cstring>
#include <optional>

#include "test/check.h"
#include "test/kernel.h"
#include "test/random_program.h"

namespace sysieve::test {
namespace {

using filter::Program;

Status Load(const Instructions& program, Program* out) {
  return Program::Load(program.data(), program.size() * sizeof(sock_filter), out);
}

bool Takes(const Instructions& program) {
  Program ignored;
  return Load(program, &ignored).ok();
}

std::string Refusal(const Instructions& program) {
  Program ignored;
  const Status status = Load(program, &ignored);
  CHECK_EQ(status.code, EINVAL);
  return status.detail;
}

uint32_t Run(const Instructions& program, const seccomp_data& data = {}) {
  Program loaded;
  const Status status = Load(program, &loaded);
  CHECK_EQ(status.detail, "");
  return status.ok() ? loaded.Run(data) : 0;
}

sock_filter Op(uint32_t code, uint32_t k = 0, uint8_t jt = 0, uint8_t jf = 0) {
  return {static_cast<__u16>(code), jt, jf, k};
}

const sock_filter kReturn = Op(BPF_RET | BPF_A);

std::string Listing(const Instructions& program) {
  std::string out;
  char line[64];
  for (const sock_filter& at : program) {
    snprintf(line, sizeof(line), "{%#x, %u, %u, %#x} ", at.code, at.jt, at.jf, at.k);
    out += line;
  }
  return out;
}

TEST(RefusalsSayWhereAndWhy) {
  Program ignored;
  const uint64_t bytes = 0;
  CHECK_EQ(Program::Load(&bytes, 0, &ignored).detail, "0 instructions; the kernel takes 1 to 4096");
  CHECK_EQ(Program::Load(&bytes, 7, &ignored).detail,
           "7 bytes are no whole number of 8-byte instructions");
  CHECK_EQ(Refusal(Instructions(BPF_MAXINSNS + 1, kReturn)),
           "4097 instructions; the kernel takes 1 to 4096");
  CHECK_EQ(Refusal({Op(BPF_LD | BPF_IMM)}), "instruction 0: the end is no return");
  CHECK_EQ(Refusal({Op(BPF_LD | BPF_W | BPF_ABS, 64), kReturn}),
           "instruction 0: it loads from beyond struct seccomp_data");
  CHECK_EQ(Refusal({Op(BPF_LD | BPF_W | BPF_ABS, 2), kReturn}),
           "instruction 0: it loads an unaligned word");
  CHECK_EQ(Refusal({kReturn, Op(BPF_JMP | BPF_JA, 1), kReturn}),
           "instruction 1: it jumps beyond the end");
  CHECK_EQ(Refusal({kReturn, Op(BPF_JMP | BPF_JA, 0xffffffff), kReturn}),
           "instruction 1: it jumps beyond the end");
  CHECK_EQ(Refusal({Op(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), kReturn}),
           "instruction 0: it jumps beyond the end");
  CHECK_EQ(Refusal({Op(BPF_ALU | BPF_MOD | BPF_K, 3), kReturn}),
           "instruction 0: seccomp has no such operation");
  CHECK_EQ(Refusal({Op(BPF_LD | BPF_B | BPF_ABS, 0), kReturn}),
           "instruction 0: seccomp has no such operation");
  CHECK_EQ(Refusal({Op(BPF_ALU | BPF_DIV | BPF_K, 0), kReturn}),
           "instruction 0: it divides by zero");
  CHECK_EQ(Refusal({Op(BPF_ALU | BPF_RSH | BPF_K, 32), kReturn}),
           "instruction 0: it shifts by more than a word has bits");
  CHECK_EQ(Refusal({Op(BPF_ST, 16), kReturn}), "instruction 0: there is no such memory word");
  CHECK_EQ(Refusal({Op(BPF_LD | BPF_MEM, 3), kReturn}),
           "instruction 0: it loads a memory word that may not have been stored");
  // Stored on one of the two ways only.
  CHECK_EQ(Refusal({Op(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), Op(BPF_ST, 3), Op(BPF_LD | BPF_MEM, 3),
                    kReturn}),
           "instruction 2: it loads a memory word that may not have been stored");
}

TEST(LongestProgramAndFarthestJumps) {
  Instructions program(BPF_MAXINSNS, Op(BPF_RET | BPF_K, 1));
  program.front() = Op(BPF_JMP | BPF_JA, BPF_MAXINSNS - 2);
  program.back() = Op(BPF_RET | BPF_K, 7);
  CHECK_EQ(Run(program), 7U);
  program.front() = Op(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 0);
  program[256] = Op(BPF_RET | BPF_K, 9);
  CHECK_EQ(Run(program), 9U);
}

TEST(UnalignedBytesAndAFailedLoad) {
  const Instructions program = {Op(BPF_RET | BPF_K, 5)};
  std::vector<char> shifted(sizeof(sock_filter) + 1);
  memcpy(shifted.data() + 1, program.data(), sizeof(sock_filter));
  Program loaded;
  CHECK(Program::Load(shifted.data() + 1, sizeof(sock_filter), &loaded).ok());
  CHECK(!Load({Op(BPF_LD | BPF_IMM)}, &loaded).ok());
  CHECK_EQ(loaded.Run({}), 5U);
}

TEST(DivisionByAnXOfZeroKills) {
  const Instructions program = {Op(BPF_LD | BPF_IMM, 7), Op(BPF_ALU | BPF_DIV | BPF_X),
                                Op(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  CHECK_EQ(Run(program), static_cast<uint32_t>(SECCOMP_RET_KILL_THREAD));
  if (const char* const why = WhyNoKernel()) SKIP(why);
  CHECK_EQ(SignalUnder(program), SIGSYS);
}

TEST(AnswersAreWordsAsReturned) {
  CHECK_EQ(Run({Op(BPF_RET | BPF_K, 0x12345678)}), 0x12345678U);
  seccomp_data data{};
  data.nr = -2;
  data.arch = AUDIT_ARCH_AARCH64;
  data.instruction_pointer = 0x1122334455667788;
  data.args[5] = 0x99aabbccddeeff00;
  const auto word = [&](uint32_t offset) {
    return Run({Op(BPF_LD | BPF_W | BPF_ABS, offset), kReturn}, data);
  };
  CHECK_EQ(word(0), 0xfffffffeU);
  CHECK_EQ(word(4), static_cast<uint32_t>(AUDIT_ARCH_AARCH64));
  CHECK_EQ(word(8), 0x55667788U);
  CHECK_EQ(word(12), 0x11223344U);
  CHECK_EQ(word(56), 0xddeeff00U);
  CHECK_EQ(word(60), 0x99aabbccU);
}

// Reads out of bounds would be seen by the sanitizers, an endless program by the time it takes.
TEST(RandomBytesAreRefusedOrRun) {
  Random random(1);
  int taken = 0;
  for (int round = Repetitions(200'000); round > 0; round--) {
    Instructions program(1 + random.Below(12));
    for (sock_filter& at : program) {
      at = Op(random.Below(256), random.Chance(2) ? random.Below(16) : random.Word(),
              static_cast<uint8_t>(random.Below(8)), static_cast<uint8_t>(random.Below(8)));
    }
    if (random.Chance(2)) program.back() = kReturn;
    Program loaded;
    if (!Load(program, &loaded).ok()) continue;
    taken++;
    seccomp_data data{};
    for (auto& argument : data.args) argument = random.Word64();
    // A program that returns a constant returns that, whatever the data.
    const uint32_t answer = loaded.Run(data);
    if (program.front().code == (BPF_RET | BPF_K)) CHECK_EQ(answer, program.front().k);
  }
  CHECK(taken > 100);
}

void CompareAcceptance(const Instructions& body) {
  const Instructions program = Guarded(body);
  const bool kernel = KernelTakes(program);
  if (Takes(program) == kernel) return;
  Fail(__FILE__, __LINE__,
       std::string(kernel ? "the kernel takes " : "the kernel refuses ") + Listing(program));
}

TEST(EveryOperationAsTheKernelTakesIt) {
  if (const char* const why = WhyNoKernel()) SKIP(why);
  // Each by itself with operands that are wrong for some; beyond a byte classic BPF has nothing.
  for (uint32_t code = 0; code < 0x200; code++) {
    for (const uint32_t k : {0U, 1U, 15U, 16U, 31U, 32U, 60U, 64U, 0xfffff000U, 0xffffffffU}) {
      CompareAcceptance({Op(BPF_STX, 1), Op(code, k, 0, 1), kReturn, kReturn});
    }
  }
  for (const uint32_t code : {0x8020U, 0x0806U, 0xffffU}) {
    CompareAcceptance({Op(code), kReturn, kReturn});
  }
}

TEST(DamagedProgramsAsTheKernelTakesThem) {
  if (const char* const why = WhyNoKernel()) SKIP(why);
  Random random(2);
  int refused = 0;
  const int rounds = Repetitions(20'000);
  for (int round = rounds; round > 0; round--) {
    Instructions body = RandomBody(&random, random.Chance(20) ? 300 : 20);
    CHECK(Takes(Guarded(body)));
    Damage(&random, &body);
    refused += Takes(Guarded(body)) ? 0 : 1;
    CompareAcceptance(body);
  }
  // Neither nearly all nor nearly none, or the comparison says little.
  CHECK(refused > rounds / 4);
  CHECK(refused < rounds * 3 / 4);
}

TEST(LengthAsTheKernelTakesIt) {
  if (const char* const why = WhyNoKernel()) SKIP(why);
  const size_t guard = Guarded({}).size();
  for (const size_t length : {size_t{1}, BPF_MAXINSNS - guard, BPF_MAXINSNS - guard + 1}) {
    CompareAcceptance(Instructions(length, kReturn));
  }
}

TEST(RandomProgramsAnswerAsTheKernel) {
  if (const char* const why = WhyNoKernel()) SKIP(why);
  Random random(3);
  for (int round = Repetitions(20'000); round > 0; round--) {
    const Instructions body = RandomBody(&random, random.Chance(20) ? 300 : 24);
    std::vector<std::array<uint64_t, 5>> arguments(4);
    for (auto& five : arguments) {
      for (uint64_t& argument : five) argument = random.Word64();
    }
    const std::vector<uint32_t> kernel = KernelAnswers(body, arguments);
    CHECK_EQ(kernel.size(), arguments.size());
    Program loaded;
    const Instructions whole = Answering(body);
    CHECK_EQ(Load(whole, &loaded).detail, "");
    for (size_t i = 0; i < kernel.size(); i++) {
      uint32_t own = 0;
      for (uint32_t shift = 0; shift < 32; shift += 12) {
        own |= (loaded.Run(ProbeData(arguments[i], shift)) & 0xfff) << shift;
      }
      if (own != kernel[i]) {
        Fail(__FILE__, __LINE__,
             "kernel " + Show(kernel[i]) + ", own " + Show(own) + ": " + Listing(whole));
      }
    }
  }
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
