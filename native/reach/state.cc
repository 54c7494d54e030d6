#include "reach/state.h"

#include <algorithm>

namespace sysieve::reach {

namespace {

constexpr size_t kMaxSlots = 128;
constexpr int64_t kGiven = 8;            // the lowest place that the caller wrote
constexpr int64_t kMostGiven = 8 + 256;  // and where it is taken to have ended

bool IsGiven(int64_t at) { return at >= kGiven && at < kMostGiven; }

// Above the return address lies what the caller gave.
Held Unwritten(int64_t at) {
  return IsGiven(at) ? Held::Of(Value::Given({true, at})) : Held::Unknown();
}

// A place that is not kept counts as not written, and so as unknown; these would not.
bool HasRoom(const std::map<int64_t, Held>& slots, int64_t at) {
  return slots.size() < kMaxSlots || IsGiven(at) || slots.count(at) != 0;
}

uint64_t Truncated(uint64_t number, unsigned bits) {
  return bits >= 64 ? number : number & ((uint64_t{1} << bits) - 1);
}

template <typename How>
void Change(Value& value, How how) {
  for (uint64_t& number : value.numbers) number = how(number);
  std::sort(value.numbers.begin(), value.numbers.end());
  value.numbers.erase(std::unique(value.numbers.begin(), value.numbers.end()), value.numbers.end());
}

}  // namespace

bool Value::Join(const Value& other) {
  bool changed = false;
  if (other.unknown && !unknown) {
    unknown = true;
    changed = true;
  }
  if (other.given && given != other.given) {
    if (!given) {
      given = other.given;
      changed = true;
    } else if (!unknown) {
      unknown = true;
      changed = true;
    }
  }
  for (const uint64_t number : other.numbers) {
    const auto place = std::lower_bound(numbers.begin(), numbers.end(), number);
    if (place != numbers.end() && *place == number) continue;
    if (numbers.size() >= kMaxNumbers) {
      changed |= !unknown;
      unknown = true;
      break;
    }
    numbers.insert(place, number);
    changed = true;
  }
  return changed;
}

bool Held::Join(const Held& other) {
  bool changed = false;
  if (low) {
    if (!other.low) {
      low.reset();
      changed = true;
    } else {
      changed = low->Join(*other.low);
    }
  }
  if (stack != other.stack || data != other.data) {
    if (!IsAddress() && value.unknown && value.numbers.empty() && !value.given) return changed;
    if (IsAddress()) {
      *this = Unknown();
      return true;
    }
    return value.Join(Value::Unknown()) || changed;
  }
  return (!IsAddress() && value.Join(other.value)) || changed;
}

State State::Beginning() {
  State state;
  for (int i = 0; i < 16; i++) state.registers[i] = Held::Of(Value::Given({false, i}));
  state.registers[kRsp] = Held::Stack(0);
  return state;
}

State State::Anything() {
  State state;
  state.registers.fill(Held::Unknown());
  return state;
}

bool State::Join(const State& other) {
  bool changed = false;
  for (size_t i = 0; i < registers.size(); i++) changed |= registers[i].Join(other.registers[i]);
  for (auto& [at, held] : slots) {
    const auto theirs = other.slots.find(at);
    changed |= held.Join(theirs == other.slots.end() ? Unwritten(at) : theirs->second);
  }
  for (const auto& [at, held] : other.slots) {
    if (slots.count(at) != 0 || !HasRoom(slots, at)) continue;
    Held mine = Unwritten(at);
    mine.Join(held);
    slots.emplace(at, mine);
    changed = true;
  }
  return changed;
}

Held State::Slot(int64_t at) const {
  const auto found = slots.find(at);
  return found == slots.end() ? Unwritten(at) : found->second;
}

void State::SetSlot(int64_t at, Held held) {
  // What overlaps is gone.
  for (auto near = slots.lower_bound(Plus(at, -7));
       near != slots.end() && near->first < Plus(at, 8); ++near) {
    if (near->first != at) near->second = Held::Unknown();
  }
  if (HasRoom(slots, at)) slots[at] = std::move(held);
}

void State::ForgetSlots() {
  for (auto& [at, held] : slots) {
    if (at < kGiven) held = Held::Unknown();
  }
}

Held Narrowed(Held held, unsigned bits) {
  if (bits >= 64) return held;
  if (held.IsAddress()) return Held::Unknown();
  if (bits < 32) {
    if (bits == 8 && held.low) return Held::Of(*held.low);
    if (!held.IsNumbers()) return Held::Unknown();
  }
  Change(held.value, [bits](uint64_t number) { return Truncated(number, bits); });
  return held;
}

Held SignExtended(Held held, unsigned bits) {
  held = Narrowed(std::move(held), bits);
  const uint64_t sign = uint64_t{1} << (bits - 1);
  Change(held.value, [sign](uint64_t number) { return (number ^ sign) - sign; });
  held.low.reset();
  return held;
}

}  // namespace sysieve::reach
