#include "reach/links.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace sysieve::reach {

namespace {

// No kernel has a larger number, with or without x32's bit.
constexpr uint64_t kMaxNumber = 0x4000'0000ULL + 4096;
constexpr uint64_t kMaxSteps = 24'000'000;  // instructions through which values are followed

class Linker {
 public:
  explicit Linker(const Elf& elf) : elf_(elf), code_(Sweep(elf)), nodes_(code_.functions.size()) {}

  Links Run() {
    Link();
    Resolve();
    PointerCalls();
    return {std::move(code_), std::move(nodes_)};
  }

 private:
  void Link() {
    callers_.resize(nodes_.size());
    for (uint32_t i = 0; i < nodes_.size(); i++) {
      for (const Event& event : code_.functions[i].events) {
        switch (event.kind) {
          case Event::Kind::kCall:
          case Event::Kind::kJump: {
            const int64_t to = code_.Find(event.target);
            if (to < 0 || (to == i && event.kind == Event::Kind::kJump)) break;
            nodes_[i].calls.insert(static_cast<uint32_t>(to));
            callers_[to].insert(i);
            break;
          }
          case Event::Kind::kCallImport:
            nodes_[i].imports.insert(static_cast<uint32_t>(event.target));
            if (IsSyscall(event.target)) Queue(i);
            break;
          case Event::Kind::kTake: {
            const int64_t to = code_.Find(event.target);
            if (to >= 0 && to != i) nodes_[i].takes.insert(static_cast<uint32_t>(to));
            break;
          }
          case Event::Kind::kTakeImport:
            nodes_[i].import_takes.insert(static_cast<uint32_t>(event.target));
            break;
          case Event::Kind::kGate:
            Queue(i);
            break;
          case Event::Kind::kIndirect:
            break;
        }
      }
      if (RunsOn(i)) {
        nodes_[i].calls.insert(i + 1);
        callers_[i + 1].insert(i);
      }
    }
  }

  // Where one function was cut in two, or nobody tells where it ends (assembler code may leave its
  // tables before its end). Compilers end a function also with a call that does not return.
  [[nodiscard]] bool RunsOn(uint32_t i) const {
    if (i + 1 >= code_.functions.size()) return false;
    const Function& function = code_.functions[i];
    const Function& next = code_.functions[i + 1];
    if (function.end != next.start || (function.known && next.known && !next.cut)) return false;
    const auto bytes = elf_.At(function.start);
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    bool runs_on = true;
    const uint64_t size = std::min<uint64_t>(function.end - function.start, bytes.size());
    for (uint64_t at = 0; at < size;) {
      ZydisDecodedInstruction instruction;
      ZydisDecoderContext context;
      if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, bytes.data() + at,
                                                      size - at, &instruction))) {
        at++;
        continue;
      }
      at += instruction.length;
      if (instruction.mnemonic == ZYDIS_MNEMONIC_NOP) continue;
      runs_on = !Stops(instruction) &&
                (instruction.mnemonic != ZYDIS_MNEMONIC_CALL || !function.known || next.cut);
    }
    return runs_on;
  }

  [[nodiscard]] bool IsSyscall(uint64_t symbol) const {
    return symbol < elf_.dynamic_symbols.size() && elf_.dynamic_symbols[symbol].name == "syscall";
  }

  void Queue(uint32_t function) {
    if (queued_.insert(function).second) queue_.push_back(function);
  }

  void Resolve() {
    while (!queue_.empty()) {
      const uint32_t function = queue_.front();
      queue_.pop_front();
      queued_.erase(function);
      Follow(function);
    }
  }

  void Follow(uint32_t i) {
    Node& node = nodes_[i];
    const Function& function = code_.functions[i];
    std::set<Wrapped> wraps;
    node.unresolved.clear();
    const auto note = [&](uint64_t at, const Value& value, bool native) {
      for (const uint64_t number : value.numbers) {
        if (number <= kMaxNumber) (native ? node.native : node.foreign).insert(number);
      }
      if (value.given) wraps.insert({*value.given, native});
      if (value.unknown) node.unresolved.insert(at);
    };
    const auto hand_on = [&](uint64_t at, uint32_t to, bool whole, const AtCall& given) {
      for (const Wrapped& wrapped : nodes_[to].wraps)
        note(at, whole ? given(wrapped.location) : Value::Unknown(), wrapped.native);
    };
    Questions questions;
    questions.at_gate = [&](const Event& gate, const Value& number) {
      note(gate.at, number, static_cast<Gate>(gate.target) == Gate::kSyscall);
    };
    questions.at_call = [&](const Event& event, const AtCall& given) {
      if (event.kind == Event::Kind::kCallImport) {
        if (IsSyscall(event.target)) note(event.at, given(kRdi), true);
      } else if (event.kind == Event::Kind::kCall || event.kind == Event::Kind::kJump) {
        const int64_t to = code_.Find(event.target);
        if (to < 0 || (to == i && event.kind == Event::Kind::kJump)) return;
        hand_on(event.at, static_cast<uint32_t>(to), code_.functions[to].start == event.target,
                given);
      }
    };
    questions.at_end = [&](const AtCall& given) {
      if (node.calls.count(i + 1) != 0) hand_on(function.end, i + 1, true, given);
    };
    if (!FollowValues(elf_, code_, function, questions, steps_)) {
      const AtCall anything = [](const Location&) { return Value::Unknown(); };
      for (const Event& event : function.events) {
        if (event.kind == Event::Kind::kGate) {
          questions.at_gate(event, Value::Unknown());
        } else {
          questions.at_call(event, anything);
        }
      }
      questions.at_end(anything);
    }
    // What was once found stays, also where it took too long this time: so there is an end.
    const size_t before = node.wraps.size();
    node.wraps.insert(wraps.begin(), wraps.end());
    if (node.wraps.size() == before) return;
    for (const uint32_t caller : callers_[i]) Queue(caller);
  }

  // A function that is given the number and whose address is taken may be given any. What other
  // files may call is told apart: they may say what they give.
  void PointerCalls() {
    std::set<uint32_t> taken;
    for (const uint64_t start : code_.taken) {
      const int64_t function = code_.Find(start);
      if (function >= 0) taken.insert(static_cast<uint32_t>(function));
    }
    for (const Node& node : nodes_) taken.insert(node.takes.begin(), node.takes.end());
    for (const uint32_t function : taken) {
      if (!nodes_[function].wraps.empty())
        nodes_[function].unresolved.insert(code_.functions[function].start);
    }
  }

  const Elf& elf_;
  Code code_;
  std::vector<Node> nodes_;
  std::vector<std::set<uint32_t>> callers_;
  std::deque<uint32_t> queue_;
  std::set<uint32_t> queued_;
  uint64_t steps_ = kMaxSteps;
};

}  // namespace

Links Link(const Elf& elf) { return Linker(elf).Run(); }

}  // namespace sysieve::reach
