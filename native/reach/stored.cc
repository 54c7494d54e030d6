#include "reach/stored.h"

#include <algorithm>

namespace sysieve::reach {

namespace {

constexpr uint64_t kMaxStored = 4096;  // larger numbers are no numbers of calls
// Far more than a value holds, so that a longer table is seen to be one.
constexpr uint64_t kMaxTable = 4096;  // bytes

std::optional<uint64_t> NumberAt(const Elf& elf, uint64_t address, unsigned bits) {
  switch (bits) {
    case 8:
      return elf.Read<uint8_t>(address);
    case 16:
      return elf.Read<uint16_t>(address);
    case 32:
      return elf.Read<uint32_t>(address);
    default:
      return elf.Read<uint64_t>(address);
  }
}

bool CouldBeCall(uint64_t number) { return number != 0 && number <= kMaxStored; }

}  // namespace

Held Stored(const Elf& elf, uint64_t address, unsigned bits) {
  if (elf.relocations.count(address) != 0) return Held::Unknown();
  const std::optional<uint64_t> number = NumberAt(elf, address, bits);
  if (!number) return Held::Unknown();
  Held held = Held::Number(*number);
  if (elf.IsWritable(address)) {
    if (!CouldBeCall(*number)) return Held::Unknown();
    held.value.unknown = true;
  }
  return held;
}

Held StoredTable(const Elf& elf, const Code& code, uint64_t address, unsigned bits) {
  const bool writable = elf.IsWritable(address);
  if (writable && !elf.IsSealed(address)) return Held::Unknown();
  const auto next = std::upper_bound(code.referred_data.begin(), code.referred_data.end(), address);
  const uint64_t end = next == code.referred_data.end() ? ~uint64_t{0} : *next;
  Held held;
  held.value.unknown = writable;
  for (uint64_t at = address; end - at >= bits / 8 && at - address < kMaxTable; at += bits / 8) {
    if (elf.relocations.count(at) != 0) continue;
    const std::optional<uint64_t> number = NumberAt(elf, at, bits);
    if (!number) break;
    if (!writable || CouldBeCall(*number)) held.value.Join(Value::Number(*number));
  }
  // Nothing was there: what is read lies elsewhere.
  return held.value.numbers.empty() ? Held::Unknown() : held;
}

}  // namespace sysieve::reach
