// What is known of the registers and the stack at one place of a function.
#ifndef SYSIEVE_REACH_STATE_H_
#define SYSIEVE_REACH_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "reach/values.h"

namespace sysieve::reach {

constexpr size_t kMaxNumbers = 64;
constexpr int kRsp = 4;
constexpr int kRbp = 5;

// What is in a register or place: a value, or an address.
struct Held {
  Value value;
  std::optional<int64_t>
      stack;  // on this function's own stack: the distance from the return address
  std::optional<uint64_t> data;  // in this file
  std::optional<Value> low;      // of what is unknown, the lowest byte

  static Held Of(Value value) { return {std::move(value), {}, {}, {}}; }
  static Held Number(uint64_t number) { return Of(Value::Number(number)); }
  static Held Unknown() { return Of(Value::Unknown()); }
  static Held Stack(int64_t at) { return {{}, at, {}, {}}; }
  static Held Data(uint64_t at) { return {{}, {}, at, {}}; }

  [[nodiscard]] bool IsAddress() const { return stack.has_value() || data.has_value(); }
  // Numbers and nothing else.
  [[nodiscard]] bool IsNumbers() const { return !IsAddress() && !value.given && !value.unknown; }
  // As others may see it: an address is no number.
  [[nodiscard]] Value Seen() const { return IsAddress() ? Value::Unknown() : value; }
  // False: nothing was added.
  bool Join(const Held& other);
};

// Distances and sums of what a hostile file says: they wrap.
inline int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

struct State {
  std::array<Held, 16> registers;
  std::map<int64_t, Held> slots;  // by distance from the return address

  // Where the function begins: everything is what the caller gave.
  static State Beginning();
  // Where nothing is known.
  static State Anything();

  bool Join(const State& other);
  [[nodiscard]] Held Slot(int64_t at) const;
  void SetSlot(int64_t at, Held held);
  // All but what lies above the return address.
  void ForgetSlots();
};

// Of each number the lowest bits. System call numbers fit 32 bits, so of these what the caller gave
// stays what it was.
Held Narrowed(Held held, unsigned bits);
Held SignExtended(Held held, unsigned bits);

template <typename How>
Held Combined(const Held& a, const Held& b, How how) {
  if (!a.IsNumbers() || !b.IsNumbers()) return Held::Unknown();
  if (a.value.numbers.size() * b.value.numbers.size() > kMaxNumbers) return Held::Unknown();
  Held made;
  for (const uint64_t x : a.value.numbers) {
    for (const uint64_t y : b.value.numbers) made.value.Join(Value::Number(how(x, y)));
  }
  return made;
}

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_STATE_H_
