#include "test/random_program.h"

#include <linux/seccomp.h>

#include <array>

namespace sysieve::test {
namespace {

sock_filter Op(uint32_t code, uint32_t k = 0) { return {static_cast<__u16>(code), 0, 0, k}; }

constexpr std::array<uint32_t, 8> kArithmetic = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV,
                                                 BPF_AND, BPF_OR,  BPF_XOR, BPF_LSH};
constexpr std::array<uint32_t, 4> kComparisons = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};

void Arithmetic(Random* random, Instructions* out) {
  uint32_t op = kArithmetic[random->Below(kArithmetic.size())];
  if (op == BPF_LSH && random->Chance(2)) op = BPF_RSH;
  if (random->Chance(12)) {
    out->push_back(Op(BPF_ALU | BPF_NEG));
    return;
  }
  if (random->Chance(2)) {
    uint32_t k = random->Word();
    if (op == BPF_LSH || op == BPF_RSH) k %= 32;
    if (op == BPF_DIV && k == 0) k = 1;
    out->push_back(Op(BPF_ALU | op | BPF_K, k));
    return;
  }
  if (op == BPF_DIV) {
    out->push_back(Op(BPF_ST, kReserved));
    out->push_back(Op(BPF_MISC | BPF_TXA));
    out->push_back(Op(BPF_ALU | BPF_OR | BPF_K, 1));
    out->push_back(Op(BPF_MISC | BPF_TAX));
    out->push_back(Op(BPF_LD | BPF_MEM, kReserved));
  }
  out->push_back(Op(BPF_ALU | op | BPF_X));
}

void Move(Random* random, Instructions* out) {
  switch (random->Below(8)) {
    case 0:
      out->push_back(Op(BPF_LD | BPF_IMM, random->Word()));
      return;
    case 1:
      out->push_back(Op(BPF_LDX | BPF_IMM, random->Word()));
      return;
    case 2:
      out->push_back(Op(BPF_LD | BPF_W | BPF_LEN));
      return;
    case 3:
      out->push_back(Op(BPF_LDX | BPF_W | BPF_LEN));
      return;
    case 4:
      out->push_back(Op(BPF_MISC | BPF_TAX));
      return;
    case 5:
      out->push_back(Op(BPF_MISC | BPF_TXA));
      return;
    case 6:
      out->push_back(Op(BPF_ST, random->Below(kReserved)));
      return;
    default:
      out->push_back(Op(BPF_STX, random->Below(kReserved)));
      return;
  }
}

}  // namespace

uint32_t Random::Word() {
  constexpr std::array<uint32_t, 10> kEdges = {
      0, 1, 31, 32, 0x7fffffff, 0x80000000, 0x80000001, 0xffff0000, 0xfffffffe, 0xffffffff};
  switch (Below(3)) {
    case 0:
      return Below(64);
    case 1:
      return kEdges[Below(kEdges.size())];
    default:
      return static_cast<uint32_t>(engine_());
  }
}

Instructions RandomBody(Random* random, uint32_t most) {
  Instructions out;
  // What every way to a place has stored decides what may be loaded there. A word is loaded only
  // when it was stored here, before the first jump; others may be stored anywhere.
  const uint32_t known = random->Below(kReserved);
  for (uint32_t word = 0; word < known; word++) {
    out.push_back(Op(BPF_LD | BPF_W | BPF_ABS, 4 * random->Below(sizeof(seccomp_data) / 4)));
    out.push_back(Op(BPF_ST, word));
  }
  const size_t end = out.size() + 1 + random->Below(most);
  std::vector<size_t> jumps;
  while (out.size() < end) {
    switch (random->Below(6)) {
      case 0:
      case 1:
        Arithmetic(random, &out);
        break;
      case 2:
        out.push_back(Op(BPF_LD | BPF_W | BPF_ABS, 4 * random->Below(sizeof(seccomp_data) / 4)));
        break;
      case 3:
        Move(random, &out);
        break;
      case 4:
        if (known > 0) {
          out.push_back(Op((random->Chance(2) ? BPF_LD : BPF_LDX) | BPF_MEM, random->Below(known)));
        }
        break;
      default:
        jumps.push_back(out.size());
        out.push_back(random->Chance(6)
                          ? Op(BPF_JMP | BPF_JA)
                          : Op(BPF_JMP | kComparisons[random->Below(kComparisons.size())] |
                                   (random->Chance(2) ? BPF_X : BPF_K),
                               random->Word()));
        break;
    }
  }
  out.push_back(Op(BPF_RET | BPF_A));
  for (const size_t at : jumps) {
    // Not into the middle of the guarded division: X might be 0 there.
    const auto target = [&] {
      const uint32_t behind = static_cast<uint32_t>(out.size() - at - 1);
      for (;;) {
        const uint32_t step = random->Below(behind < 256 ? behind : 256);
        const sock_filter& there = out[at + 1 + step];
        const bool guarded = (there.code == (BPF_ALU | BPF_DIV | BPF_X)) ||
                             (there.code == (BPF_LD | BPF_MEM) && there.k == kReserved) ||
                             (there.code == (BPF_MISC | BPF_TAX)) ||
                             (there.code == (BPF_MISC | BPF_TXA)) ||
                             (there.code == (BPF_ALU | BPF_OR | BPF_K) && there.k == 1);
        if (!guarded) return step;
      }
    };
    if (out[at].code == (BPF_JMP | BPF_JA)) {
      out[at].k = target();
    } else {
      out[at].jt = static_cast<__u8>(target());
      out[at].jf = static_cast<__u8>(target());
    }
  }
  return out;
}

void Damage(Random* random, Instructions* program) {
  for (uint32_t times = 1 + random->Below(2); times > 0; times--) {
    sock_filter& chosen = (*program)[random->Below(static_cast<uint32_t>(program->size()))];
    switch (random->Below(4)) {
      case 0:
        chosen.code = static_cast<__u16>(random->Chance(4) ? random->Word() : random->Below(256));
        break;
      case 1:
        chosen.jt = static_cast<__u8>(random->Below(256));
        break;
      case 2:
        chosen.jf = static_cast<__u8>(random->Below(256));
        break;
      default:
        chosen.k = random->Word();
        break;
    }
  }
}

}  // namespace sysieve::test
