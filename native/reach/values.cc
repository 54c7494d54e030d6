#include "reach/values.h"

#include <algorithm>
#include <set>

#include "reach/blocks.h"
#include "reach/state.h"
#include "reach/stored.h"

namespace sysieve::reach {

namespace {

constexpr size_t kMaxBytes = 512 << 10;
constexpr size_t kMaxBlocks = 12'000;
constexpr uint64_t kMaxSteps = 8'000'000;  // of one function

int RegisterIndex(ZydisRegister reg) {
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return -1;
  return whole - ZYDIS_REGISTER_RAX;
}

bool IsHighByte(ZydisRegister reg) { return reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH; }

struct Decoded {
  uint64_t at;
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

class Flow {
 public:
  Flow(const Elf& elf, const Code& code, const Function& function, const Questions& questions,
       uint64_t& steps)
      : elf_(elf), code_(code), function_(function), questions_(questions), steps_(steps) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  bool Run() {
    const uint64_t size = function_.end - function_.start;
    bytes_ = elf_.At(function_.start);
    if (size > kMaxBytes || bytes_.size() < size) return false;
    bytes_ = bytes_.first(size);
    most_ = std::min(kMaxSteps, steps_);
    // Small functions cost something, too.
    if (!Spend(16 + size / 4)) return false;
    shape_ = CutBlocks(function_, bytes_);
    if (shape_.blocks.empty()) return true;
    if (shape_.blocks.size() > kMaxBlocks) return false;
    states_.resize(shape_.blocks.size());
    known_.assign(shape_.blocks.size(), false);
    jumped_.assign(shape_.blocks.size(), false);
    Enter(0, State::Beginning());
    if (!Settle() || !EnterOrphans() || !Settle()) return false;
    asking_ = true;
    for (size_t i = 0; i < shape_.blocks.size(); i++) {
      if (known_[i]) Pass(i);
    }
    return true;
  }

 private:
  bool Spend(uint64_t count) {
    steps_ -= std::min(count, steps_);
    spent_ += count;
    return spent_ < most_;
  }

  // Whatever way leads to a place, the stack is as high there. Where it is not, one way runs past a
  // call that does not return; jumps are the better witnesses.
  void Enter(size_t block, const State& state, bool jump = true) {
    State& there = states_[block];
    if (!known_[block]) {
      there = state;
      known_[block] = true;
      jumped_[block] = jump;
      queue_.insert(block);
      return;
    }
    const auto& height = state.registers[kRsp].stack;
    if (height && there.registers[kRsp].stack && height != there.registers[kRsp].stack) {
      if (!jump || jumped_[block]) return;
      there = state;
      jumped_[block] = true;
      queue_.insert(block);
      return;
    }
    jumped_[block] = jumped_[block] || jump;
    if (there.Join(state)) queue_.insert(block);
  }

  bool Settle() {
    while (!queue_.empty()) {
      const size_t block = *queue_.begin();
      queue_.erase(queue_.begin());
      if (!Pass(block)) return false;
    }
    return true;
  }

  // What nothing is seen to lead to: tables of a switch, landing pads, code after a call that does
  // not return.
  bool EnterOrphans() {
    const std::optional<State> tables = tables_;
    const auto& blocks = shape_.blocks;
    for (size_t i = 0; i < blocks.size(); i++) {
      if (known_[i] || blocks[i].entered || blocks[i].padding) continue;
      if (tables) Enter(i, *tables);
      if (!tables || function_.landing_pads) Enter(i, State::Anything());
    }
    if (!Settle()) return false;
    // Loops that are entered from nowhere.
    for (size_t i = 0; i < blocks.size(); i++) {
      if (known_[i] || blocks[i].padding) continue;
      if (tables) Enter(i, *tables);
      Enter(i, State::Anything());
    }
    return true;
  }

  // False: it took too long.
  bool Pass(size_t index) {
    const Block& block = shape_.blocks[index];
    State state = states_[index];
    Decoded one;
    for (one.at = block.start; one.at < block.end;) {
      const uint64_t offset = one.at - function_.start;
      if (!asking_ && !Spend(1)) return false;
      if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes_.data() + offset,
                                               bytes_.size() - offset, &one.instruction,
                                               one.operands))) {
        one.at++;
        continue;
      }
      if (asking_) Ask(one.at, state);
      Step(one, state);
      one.at += one.instruction.length;
    }
    if (asking_) {
      if (block.runs_on && questions_.at_end) questions_.at_end(CallView(state, true));
      return true;
    }
    if (block.indirect) {
      if (tables_) {
        tables_->Join(state);
      } else {
        tables_ = state;
      }
    }
    for (const size_t next : block.next)
      Enter(next, state, block.jump && *block.jump == shape_.blocks[next].start);
    return true;
  }

  static AtCall CallView(const State& state, bool tail) {
    return [&state, tail](const Location& location) -> Value {
      if (!location.stack) {
        if (location.at < 0 || location.at > 15) return Value::Unknown();
        return state.registers[location.at].Seen();
      }
      const auto& rsp = state.registers[kRsp].stack;
      if (!rsp) return Value::Unknown();
      return state.Slot(Plus(*rsp, Plus(location.at, tail ? 0 : -8))).Seen();
    };
  }

  // Events are sorted by place.
  void Ask(uint64_t at, const State& state) {
    const auto& events = function_.events;
    auto one =
        std::lower_bound(events.begin(), events.end(), at,
                         [](const Event& event, uint64_t place) { return event.at < place; });
    for (; one != events.end() && one->at == at; ++one) {
      if (one->kind == Event::Kind::kGate) {
        if (questions_.at_gate) questions_.at_gate(*one, state.registers[0].Seen());
      } else if (questions_.at_call) {
        questions_.at_call(*one, CallView(state, one->tail));
      }
    }
  }

  // --- operands

  static std::optional<int64_t> StackPlace(const ZydisDecodedOperand& operand, const State& state) {
    if (operand.mem.base == ZYDIS_REGISTER_NONE || operand.mem.index != ZYDIS_REGISTER_NONE)
      return std::nullopt;
    const int base = RegisterIndex(operand.mem.base);
    if (base < 0 || !state.registers[base].stack) return std::nullopt;
    return Plus(*state.registers[base].stack, operand.mem.disp.value);
  }

  struct DataPlace {
    uint64_t at;
    bool table;  // the first of several, by an index that is not known
  };

  // Where in this file a memory operand lies; nullopt: elsewhere, or not known.
  std::optional<DataPlace> PlaceInData(const Decoded& one, const ZydisDecodedOperand& operand,
                                       const State& state) const {
    const auto& memory = operand.mem;
    DataPlace place{static_cast<uint64_t>(memory.disp.value), false};
    bool known = false;
    const auto add = [&](ZydisRegister reg, uint64_t scale) {
      if (reg == ZYDIS_REGISTER_NONE) return;
      if (reg == ZYDIS_REGISTER_RIP) {
        place.at += one.at + one.instruction.length;
        known = true;
        return;
      }
      const int index = RegisterIndex(reg);
      const Held held = index < 0 ? Held::Unknown() : state.registers[index];
      if (held.data && scale == 1) {
        place.at += *held.data;
        known = true;
      } else if (held.IsNumbers() && held.value.numbers.size() == 1) {
        place.at += held.value.numbers[0] * scale;
      } else {
        place.table = true;
      }
    };
    add(memory.base, 1);
    add(memory.index, memory.scale);
    // Code that is not moved has addresses as plain numbers.
    if (!known && (elf_.is_shared || elf_.At(place.at).empty())) return std::nullopt;
    return place;
  }

  Held ReadOperand(const Decoded& one, const ZydisDecodedOperand& operand,
                   const State& state) const {
    switch (operand.type) {
      case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        return Held::Number(operand.imm.is_signed ? static_cast<uint64_t>(operand.imm.value.s)
                                                  : operand.imm.value.u);
      case ZYDIS_OPERAND_TYPE_REGISTER: {
        const int index = RegisterIndex(operand.reg.value);
        if (index < 0 || IsHighByte(operand.reg.value)) return Held::Unknown();
        return Narrowed(state.registers[index], operand.size);
      }
      case ZYDIS_OPERAND_TYPE_MEMORY: {
        if (operand.size < 8 || operand.size > 64) return Held::Unknown();
        if (const auto place = StackPlace(operand, state)) {
          // The place may have been written as a whole or in parts; only the whole is kept.
          return operand.size < 32 ? Held::Unknown() : Narrowed(state.Slot(*place), operand.size);
        }
        const auto place = PlaceInData(one, operand, state);
        if (!place) return Held::Unknown();
        return place->table ? StoredTable(elf_, code_, place->at, operand.size)
                            : Stored(elf_, place->at, operand.size);
      }
      default:
        return Held::Unknown();
    }
  }

  void Write(const ZydisDecodedOperand& operand, Held held, State& state) {
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      WriteRegister(operand, std::move(held), state);
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      if (const auto place = StackPlace(operand, state)) {
        if (operand.size == 64 || operand.size == 32) {
          state.SetSlot(*place, Narrowed(std::move(held), operand.size));
        } else {
          for (int64_t part = 0; part < operand.size / 8; part += 8)
            state.SetSlot(Plus(*place, part), Held::Unknown());
        }
      } else if (shape_.escapes && operand.mem.base != ZYDIS_REGISTER_RIP) {
        state.ForgetSlots();
      }
    }
  }

  static void WriteRegister(const ZydisDecodedOperand& operand, Held held, State& state) {
    const int index = RegisterIndex(operand.reg.value);
    if (index < 0) return;
    Held& there = state.registers[index];
    if (operand.size >= 32) {
      there = operand.size == 32 ? Narrowed(std::move(held), 32) : std::move(held);
      return;
    }
    // The other bits stay.
    if (operand.size != 8 || IsHighByte(operand.reg.value) || !held.IsNumbers()) {
      there = Held::Unknown();
      return;
    }
    const Held whole = Combined(
        there, held, [](uint64_t a, uint64_t b) { return (a & ~uint64_t{0xff}) | (b & 0xff); });
    there = whole;
    if (!whole.IsNumbers()) there.low = Narrowed(std::move(held), 8).value;
  }

  void AfterCall(State& state) const {
    // The System V ABI's; Go keeps none but the stack pointer.
    constexpr std::array<int, 9> kClobbered{0, 1, 2, 6, 7, 8, 9, 10, 11};
    if (code_.go) {
      for (int i = 0; i < 16; i++) {
        if (i != kRsp && i != kRbp) state.registers[i] = Held::Unknown();
      }
    } else {
      for (const int i : kClobbered) state.registers[i] = Held::Unknown();
    }
    if (shape_.escapes && !code_.go) state.ForgetSlots();
  }

  // --- instructions

  void Step(const Decoded& one, State& state) {
    const auto& [at, instruction, operands] = one;
    const auto read = [&](int i) { return ReadOperand(one, one.operands[i], state); };
    const auto combine = [&](auto how) {
      Write(one.operands[0], Combined(read(0), read(1), how), state);
    };
    switch (instruction.mnemonic) {
      case ZYDIS_MNEMONIC_NOP:
      case ZYDIS_MNEMONIC_ENDBR64:
      case ZYDIS_MNEMONIC_CMP:
      case ZYDIS_MNEMONIC_TEST:
        return;
      case ZYDIS_MNEMONIC_MOV:
      case ZYDIS_MNEMONIC_MOVZX:
        return Write(operands[0], read(1), state);
      case ZYDIS_MNEMONIC_MOVSX:
      case ZYDIS_MNEMONIC_MOVSXD:
        return Write(operands[0], SignExtended(read(1), operands[1].size), state);
      case ZYDIS_MNEMONIC_CDQE:
        state.registers[0] = SignExtended(state.registers[0], 32);
        return;
      case ZYDIS_MNEMONIC_LEA:
        return Write(operands[0], Address(one, operands[1], state), state);
      case ZYDIS_MNEMONIC_XCHG: {
        const Held first = read(0);
        const Held second = read(1);
        Write(operands[0], second, state);
        return Write(operands[1], first, state);
      }
      case ZYDIS_MNEMONIC_XOR:
      case ZYDIS_MNEMONIC_SUB:
        if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            operands[0].reg.value == operands[1].reg.value && operands[0].size >= 32)
          return Write(operands[0], Held::Number(0), state);
        if (instruction.mnemonic == ZYDIS_MNEMONIC_SUB) return Add(one, state, true);
        return combine([](uint64_t a, uint64_t b) { return a ^ b; });
      case ZYDIS_MNEMONIC_ADD:
        return Add(one, state, false);
      case ZYDIS_MNEMONIC_INC:
      case ZYDIS_MNEMONIC_DEC: {
        const uint64_t by = instruction.mnemonic == ZYDIS_MNEMONIC_INC ? 1 : ~uint64_t{0};
        return Write(
            operands[0],
            Combined(read(0), Held::Number(by), [](uint64_t a, uint64_t b) { return a + b; }),
            state);
      }
      case ZYDIS_MNEMONIC_AND:
        if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            RegisterIndex(operands[0].reg.value) == kRsp && state.registers[kRsp].stack) {
          // Aligned by an amount that is not known: a region of its own, further down.
          state.registers[kRsp].stack = Plus(*state.registers[kRsp].stack, -(1 << 24));
          return;
        }
        return combine([](uint64_t a, uint64_t b) { return a & b; });
      case ZYDIS_MNEMONIC_OR:
        if (operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operands[1].imm.value.s == -1)
          return Write(operands[0], Held::Number(~uint64_t{0}), state);
        return combine([](uint64_t a, uint64_t b) { return a | b; });
      case ZYDIS_MNEMONIC_PUSH:
      case ZYDIS_MNEMONIC_POP:
      case ZYDIS_MNEMONIC_LEAVE:
        return MoveStack(one, state);
      case ZYDIS_MNEMONIC_CALL:
        return AfterCall(state);
      case ZYDIS_MNEMONIC_SYSCALL:
        for (const int i : {0, 1, 11}) state.registers[i] = Held::Unknown();
        return;
      default:
        return Otherwise(one, state);
    }
  }

  void MoveStack(const Decoded& one, State& state) {
    const auto& operand = one.operands[0];
    Held& rsp = state.registers[kRsp];
    if (one.instruction.mnemonic == ZYDIS_MNEMONIC_PUSH) {
      const Held held = operand.size >= 64 || operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE
                            ? ReadOperand(one, operand, state)
                            : Held::Unknown();
      if (!rsp.stack) return;
      rsp.stack = Plus(*rsp.stack, -8);
      return state.SetSlot(*rsp.stack, held);
    }
    if (one.instruction.mnemonic == ZYDIS_MNEMONIC_LEAVE) rsp = state.registers[kRbp];
    const Held held = rsp.stack ? state.Slot(*rsp.stack) : Held::Unknown();
    if (rsp.stack) {
      rsp.stack = Plus(*rsp.stack, 8);
    } else {
      rsp = Held::Unknown();
    }
    if (one.instruction.mnemonic == ZYDIS_MNEMONIC_LEAVE) {
      state.registers[kRbp] = held;
    } else {
      Write(operand, held, state);
    }
  }

  void Otherwise(const Decoded& one, State& state) {
    const auto mnemonic = one.instruction.mnemonic;
    if (mnemonic >= ZYDIS_MNEMONIC_CMOVB && mnemonic <= ZYDIS_MNEMONIC_CMOVZ) {
      Held joined = ReadOperand(one, one.operands[0], state);
      joined.Join(ReadOperand(one, one.operands[1], state));
      return Write(one.operands[0], joined, state);
    }
    if (mnemonic >= ZYDIS_MNEMONIC_SETB && mnemonic <= ZYDIS_MNEMONIC_SETZ &&
        mnemonic != ZYDIS_MNEMONIC_SETSSBSY) {
      Held either = Held::Number(0);
      either.value.Join(Value::Number(1));
      return Write(one.operands[0], either, state);
    }
    for (int i = 0; i < one.instruction.operand_count; i++) {
      if ((one.operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0) continue;
      Write(one.operands[i], Held::Unknown(), state);
    }
  }

  // What LEA makes: an address, or a sum. lea eax, [rdi+4] is arithmetic.
  Held Address(const Decoded& one, const ZydisDecodedOperand& operand, const State& state) const {
    const auto& memory = operand.mem;
    if (one.operands[0].size == 64) {
      if (const auto place = StackPlace(operand, state)) return Held::Stack(*place);
      const int base = RegisterIndex(memory.base);
      if (memory.base == ZYDIS_REGISTER_RIP || (base >= 0 && state.registers[base].data)) {
        const auto place = PlaceInData(one, operand, state);
        return place && !place->table ? Held::Data(place->at) : Held::Unknown();
      }
    }
    Held sum = Held::Number(static_cast<uint64_t>(memory.disp.value));
    const auto add = [&](ZydisRegister reg, uint64_t scale) {
      if (reg == ZYDIS_REGISTER_NONE) return;
      const int index = RegisterIndex(reg);
      sum = index < 0 ? Held::Unknown()
                      : Combined(sum, state.registers[index],
                                 [scale](uint64_t a, uint64_t b) { return a + b * scale; });
    };
    add(memory.base, 1);
    add(memory.index, memory.scale);
    return sum;
  }

  void Add(const Decoded& one, State& state, bool minus) {
    const Held left = ReadOperand(one, one.operands[0], state);
    const Held right = ReadOperand(one, one.operands[1], state);
    const auto sum = [minus](uint64_t a, uint64_t b) { return minus ? a - b : a + b; };
    if (left.IsAddress() && right.IsNumbers() && right.value.numbers.size() == 1) {
      const uint64_t by = right.value.numbers[0];
      Held moved = left;
      if (moved.stack)
        moved.stack = static_cast<int64_t>(sum(static_cast<uint64_t>(*left.stack), by));
      if (moved.data) moved.data = sum(*left.data, by);
      return Write(one.operands[0], moved, state);
    }
    Write(one.operands[0], Combined(left, right, sum), state);
  }

  const Elf& elf_;
  const Code& code_;
  const Function& function_;
  const Questions& questions_;
  uint64_t& steps_;
  uint64_t most_ = 0;
  uint64_t spent_ = 0;
  ZydisDecoder decoder_;
  std::span<const uint8_t> bytes_;
  Shape shape_;
  std::vector<State> states_;    // where each block begins
  std::vector<bool> known_;      // something leads there
  std::vector<bool> jumped_;     // a jump leads there, not only the code before it
  std::optional<State> tables_;  // where jumps through registers and tables are made
  std::set<size_t> queue_;
  bool asking_ = false;
};

}  // namespace

bool FollowValues(const Elf& elf, const Code& code, const Function& function,
                  const Questions& questions, uint64_t& steps) {
  return Flow(elf, code, function, questions, steps).Run();
}

}  // namespace sysieve::reach
