// What a register or a place on the stack may hold where a gate is reached: the flow of values
// through one function.
#ifndef SYSIEVE_REACH_VALUES_H_
#define SYSIEVE_REACH_VALUES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "reach/code.h"

namespace sysieve::reach {

// Where a function finds what its caller gave it: a register by its number in the instruction set
// (0 rax, 1 rcx, … 7 rdi, …), or a place on the stack by its distance from the return address.
struct Location {
  bool stack;
  int64_t at;
  bool operator==(const Location&) const = default;
  auto operator<=>(const Location&) const = default;
};

constexpr Location kRax{false, 0};
constexpr Location kRdi{false, 7};

// A set of numbers; perhaps what the caller gave as well; perhaps anything.
struct Value {
  std::vector<uint64_t> numbers;  // sorted
  std::optional<Location> given;
  bool unknown = false;

  static Value Unknown() { return {{}, std::nullopt, true}; }
  static Value Number(uint64_t number) { return {{number}, std::nullopt, false}; }
  static Value Given(Location location) { return {{}, location, false}; }
  // False: nothing was added.
  bool Join(const Value& other);
  bool operator==(const Value&) const = default;
};

// Reads what callers have put into a location, at one call or jump.
using AtCall = std::function<Value(const Location&)>;

// What is asked of the flow: the number at each gate, and the values that calls hand on.
struct Questions {
  std::function<void(const Event& gate, const Value& number)> at_gate;
  std::function<void(const Event& call, const AtCall& value)> at_call;
  // At the end of the function, where it runs on into the next.
  std::function<void(const AtCall& value)> at_end;
};

// False: too large or too tangled to be followed; nothing was answered then. `steps`: how many
// instructions may still be gone through; what was gone through is taken off.
bool FollowValues(const Elf& elf, const Code& code, const Function& function,
                  const Questions& questions, uint64_t& steps);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_VALUES_H_
