#include "filter/program.h"

#include <array>
#include <cstring>
#include <string>

namespace sysieve::filter {
namespace {

// Every operation seccomp takes: what classic BPF has, less packet loads, byte and halfword loads,
// and the remainder (kernel/seccomp.c, seccomp_check_filter).
enum Code : uint16_t {
  kLoadData = BPF_LD | BPF_W | BPF_ABS,
  kLoadLength = BPF_LD | BPF_W | BPF_LEN,
  kLoadXLength = BPF_LDX | BPF_W | BPF_LEN,
  kLoadConstant = BPF_LD | BPF_IMM,
  kLoadXConstant = BPF_LDX | BPF_IMM,
  kLoadMemory = BPF_LD | BPF_MEM,
  kLoadXMemory = BPF_LDX | BPF_MEM,
  kStore = BPF_ST,
  kStoreX = BPF_STX,
  kToX = BPF_MISC | BPF_TAX,
  kFromX = BPF_MISC | BPF_TXA,
  kAddK = BPF_ALU | BPF_ADD | BPF_K,
  kAddX = BPF_ALU | BPF_ADD | BPF_X,
  kSubtractK = BPF_ALU | BPF_SUB | BPF_K,
  kSubtractX = BPF_ALU | BPF_SUB | BPF_X,
  kMultiplyK = BPF_ALU | BPF_MUL | BPF_K,
  kMultiplyX = BPF_ALU | BPF_MUL | BPF_X,
  kDivideK = BPF_ALU | BPF_DIV | BPF_K,
  kDivideX = BPF_ALU | BPF_DIV | BPF_X,
  kAndK = BPF_ALU | BPF_AND | BPF_K,
  kAndX = BPF_ALU | BPF_AND | BPF_X,
  kOrK = BPF_ALU | BPF_OR | BPF_K,
  kOrX = BPF_ALU | BPF_OR | BPF_X,
  kXorK = BPF_ALU | BPF_XOR | BPF_K,
  kXorX = BPF_ALU | BPF_XOR | BPF_X,
  kShiftLeftK = BPF_ALU | BPF_LSH | BPF_K,
  kShiftLeftX = BPF_ALU | BPF_LSH | BPF_X,
  kShiftRightK = BPF_ALU | BPF_RSH | BPF_K,
  kShiftRightX = BPF_ALU | BPF_RSH | BPF_X,
  kNegate = BPF_ALU | BPF_NEG,
  kJump = BPF_JMP | BPF_JA,
  kIfEqualK = BPF_JMP | BPF_JEQ | BPF_K,
  kIfEqualX = BPF_JMP | BPF_JEQ | BPF_X,
  kIfGreaterK = BPF_JMP | BPF_JGT | BPF_K,
  kIfGreaterX = BPF_JMP | BPF_JGT | BPF_X,
  kIfNotLessK = BPF_JMP | BPF_JGE | BPF_K,
  kIfNotLessX = BPF_JMP | BPF_JGE | BPF_X,
  kIfBitsK = BPF_JMP | BPF_JSET | BPF_K,
  kIfBitsX = BPF_JMP | BPF_JSET | BPF_X,
  kReturnK = BPF_RET | BPF_K,
  kReturnA = BPF_RET | BPF_A,
};

constexpr uint32_t kWordBits = 32;

const char* const kBeyond = "it jumps beyond the end";

// Null: nothing is wrong with this instruction by itself. `behind`: how many follow it.
const char* WhatIsWrong(const sock_filter& instruction, size_t behind) {
  const uint32_t k = instruction.k;
  switch (instruction.code) {
    case kLoadData:
      if (k >= sizeof(seccomp_data)) return "it loads from beyond struct seccomp_data";
      return k % sizeof(uint32_t) != 0 ? "it loads an unaligned word" : nullptr;
    case kLoadMemory:
    case kLoadXMemory:
    case kStore:
    case kStoreX:
      return k >= BPF_MEMWORDS ? "there is no such memory word" : nullptr;
    case kDivideK:
      return k == 0 ? "it divides by zero" : nullptr;
    case kShiftLeftK:
    case kShiftRightK:
      return k >= kWordBits ? "it shifts by more than a word has bits" : nullptr;
    case kJump:
      return k >= behind ? kBeyond : nullptr;
    case kIfEqualK:
    case kIfEqualX:
    case kIfGreaterK:
    case kIfGreaterX:
    case kIfNotLessK:
    case kIfNotLessX:
    case kIfBitsK:
    case kIfBitsX:
      return instruction.jt >= behind || instruction.jf >= behind ? kBeyond : nullptr;
    case kLoadLength:
    case kLoadXLength:
    case kLoadConstant:
    case kLoadXConstant:
    case kToX:
    case kFromX:
    case kAddK:
    case kAddX:
    case kSubtractK:
    case kSubtractX:
    case kMultiplyK:
    case kMultiplyX:
    case kDivideX:
    case kAndK:
    case kAndX:
    case kOrK:
    case kOrX:
    case kXorK:
    case kXorX:
    case kShiftLeftX:
    case kShiftRightX:
    case kNegate:
    case kReturnK:
    case kReturnA:
      return nullptr;
    default:
      return "seccomp has no such operation";
  }
}

// The first load of a memory word that not every way to it has stored; the number of instructions
// when there is none. As the kernel does (net/core/filter.c), a return does not end a way: what
// follows it directly is judged as if it had been passed through.
size_t LoadsUnset(const std::vector<sock_filter>& program) {
  constexpr uint16_t kAll = 0xffff;
  std::vector<uint16_t> arriving(program.size(), kAll);
  uint16_t stored = 0;
  for (size_t at = 0; at < program.size(); at++) {
    const sock_filter& instruction = program[at];
    stored &= arriving[at];
    switch (instruction.code) {
      case kStore:
      case kStoreX:
        stored |= static_cast<uint16_t>(1U << instruction.k);
        break;
      case kLoadMemory:
      case kLoadXMemory:
        if ((stored & (1U << instruction.k)) == 0) return at;
        break;
      case kJump:
        arriving[at + 1 + instruction.k] &= stored;
        stored = kAll;
        break;
      case kIfEqualK:
      case kIfEqualX:
      case kIfGreaterK:
      case kIfGreaterX:
      case kIfNotLessK:
      case kIfNotLessX:
      case kIfBitsK:
      case kIfBitsX:
        arriving[at + 1 + instruction.jt] &= stored;
        arriving[at + 1 + instruction.jf] &= stored;
        stored = kAll;
        break;
      default:
        break;
    }
  }
  return program.size();
}

Status Refuse(const std::string& why) { return Status::Error(EINVAL, "load the filter", why); }

Status RefuseAt(size_t at, const char* why) {
  return Refuse("instruction " + std::to_string(at) + ": " + why);
}

}  // namespace

Status Program::Load(const void* bytes, size_t size, Program* out) {
  if (size % sizeof(sock_filter) != 0) {
    return Refuse(std::to_string(size) + " bytes are no whole number of 8-byte instructions");
  }
  const size_t count = size / sizeof(sock_filter);
  if (count == 0 || count > BPF_MAXINSNS) {
    return Refuse(std::to_string(count) + " instructions; the kernel takes 1 to " +
                  std::to_string(BPF_MAXINSNS));
  }
  std::vector<sock_filter> program(count);
  memcpy(program.data(), bytes, size);
  for (size_t at = 0; at < count; at++) {
    const char* const wrong = WhatIsWrong(program[at], count - at - 1);
    if (wrong != nullptr) return RefuseAt(at, wrong);
  }
  const uint16_t last = program.back().code;
  if (last != kReturnK && last != kReturnA) return RefuseAt(count - 1, "the end is no return");
  if (const size_t at = LoadsUnset(program); at < count) {
    return RefuseAt(at, "it loads a memory word that may not have been stored");
  }
  out->instructions_ = std::move(program);
  return Status::Ok();
}

uint32_t Program::Run(const seccomp_data& data) const {
  uint32_t a = 0;
  uint32_t x = 0;
  std::array<uint32_t, BPF_MEMWORDS> memory{};
  const auto* const words = reinterpret_cast<const unsigned char*>(&data);
  // Load has shown that every way ends in a return, within the program.
  for (const sock_filter* at = instructions_.data();; at++) {
    const uint32_t k = at->k;
    bool holds = false;
    switch (at->code) {
      case kLoadData:
        memcpy(&a, words + k, sizeof(a));
        continue;
      case kLoadLength:
        a = sizeof(seccomp_data);
        continue;
      case kLoadXLength:
        x = sizeof(seccomp_data);
        continue;
      case kLoadConstant:
        a = k;
        continue;
      case kLoadXConstant:
        x = k;
        continue;
      case kLoadMemory:
        a = memory[k];
        continue;
      case kLoadXMemory:
        x = memory[k];
        continue;
      case kStore:
        memory[k] = a;
        continue;
      case kStoreX:
        memory[k] = x;
        continue;
      case kToX:
        x = a;
        continue;
      case kFromX:
        a = x;
        continue;
      case kAddK:
        a += k;
        continue;
      case kAddX:
        a += x;
        continue;
      case kSubtractK:
        a -= k;
        continue;
      case kSubtractX:
        a -= x;
        continue;
      case kMultiplyK:
        a *= k;
        continue;
      case kMultiplyX:
        a *= x;
        continue;
      case kDivideK:
        a /= k;
        continue;
      case kDivideX:
        // The kernel ends the program with 0, which is SECCOMP_RET_KILL_THREAD.
        if (x == 0) return 0;
        a /= x;
        continue;
      case kAndK:
        a &= k;
        continue;
      case kAndX:
        a &= x;
        continue;
      case kOrK:
        a |= k;
        continue;
      case kOrX:
        a |= x;
        continue;
      case kXorK:
        a ^= k;
        continue;
      case kXorX:
        a ^= x;
        continue;
      case kShiftLeftK:
        a <<= k;
        continue;
      case kShiftLeftX:
        // As x86_64 and aarch64 shift a 32-bit register: by the low five bits.
        a <<= x % kWordBits;
        continue;
      case kShiftRightK:
        a >>= k;
        continue;
      case kShiftRightX:
        a >>= x % kWordBits;
        continue;
      case kNegate:
        a = -a;
        continue;
      case kJump:
        at += k;
        continue;
      case kIfEqualK:
        holds = a == k;
        break;
      case kIfEqualX:
        holds = a == x;
        break;
      case kIfGreaterK:
        holds = a > k;
        break;
      case kIfGreaterX:
        holds = a > x;
        break;
      case kIfNotLessK:
        holds = a >= k;
        break;
      case kIfNotLessX:
        holds = a >= x;
        break;
      case kIfBitsK:
        holds = (a & k) != 0;
        break;
      case kIfBitsX:
        holds = (a & x) != 0;
        break;
      case kReturnK:
        return k;
      default:  // kReturnA: Load lets nothing else pass
        return a;
    }
    at += holds ? at->jt : at->jf;
  }
}

}  // namespace sysieve::filter
