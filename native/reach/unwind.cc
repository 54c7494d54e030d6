// Where functions begin and end, by what unwinders (.eh_frame) and Go's runtime (.gopclntab) need
// to know at run time: both survive stripping.
#include <elf.h>

#include <algorithm>

#include "reach/elf.h"

namespace sysieve::reach {

namespace {

constexpr size_t kMaxFunctions = 2'000'000;

// DWARF pointer encodings (LSB, "DWARF Extensions").
constexpr uint8_t kOmitted = 0xff;
constexpr uint8_t kIndirect = 0x80;
constexpr uint8_t kFormat = 0x0f;
constexpr uint8_t kBase = 0x70;
constexpr uint8_t kPcRelative = 0x10;
constexpr uint8_t kDataRelative = 0x30;

class Reader {
 public:
  Reader(const Elf& elf, uint64_t at, uint64_t end) : elf_(elf), at_(at), end_(end) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] uint64_t at() const { return at_; }
  void Skip(uint64_t count) {
    if (count > end_ - at_) {
      failed_ = true;
    } else {
      at_ += count;
    }
  }

  template <typename T>
  T Take() {
    if (failed_ || end_ - at_ < sizeof(T)) {
      failed_ = true;
      return 0;
    }
    const auto value = elf_.Read<T>(at_);
    if (!value) {
      failed_ = true;
      return 0;
    }
    at_ += sizeof(T);
    return *value;
  }

  uint64_t TakeLeb() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !failed_; shift += 7) {
      const auto byte = Take<uint8_t>();
      value |= uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

  // `data`: what is relative to data is relative to it.
  uint64_t TakeEncoded(uint8_t encoding, uint64_t data) {
    const uint64_t place = at_;
    uint64_t value = 0;
    switch (encoding & kFormat) {
      case 0x00:
      case 0x04:
      case 0x0c:
        value = Take<uint64_t>();
        break;
      case 0x01:
        value = TakeLeb();
        break;
      case 0x02:
        value = Take<uint16_t>();
        break;
      case 0x03:
        value = Take<uint32_t>();
        break;
      case 0x0a:
        value = static_cast<uint64_t>(int64_t{Take<int16_t>()});
        break;
      case 0x0b:
        value = static_cast<uint64_t>(int64_t{Take<int32_t>()});
        break;
      default:
        failed_ = true;
        return 0;
    }
    if (value == 0) return 0;
    if ((encoding & kBase) == kPcRelative) return value + place;
    if ((encoding & kBase) == kDataRelative) return value + data;
    return value;
  }

 private:
  const Elf& elf_;
  uint64_t at_;
  uint64_t end_;
  bool failed_ = false;
};

struct Common {
  uint8_t pointers = 0;             // encoding of addresses of code
  uint8_t landing_pads = kOmitted;  // of the address of the table of landing pads
  bool sized = false;               // augmentation data has a length
  bool signal = false;              // a signal's frame: glibc has it begin a byte before the code
  bool usable = false;
};

Common ReadCommon(Reader reader) {
  Common common;
  const auto version = reader.Take<uint8_t>();
  std::string augmentation;
  for (auto c = reader.Take<char>(); c != 0 && augmentation.size() < 16; c = reader.Take<char>())
    augmentation += c;
  reader.TakeLeb();
  reader.TakeLeb();
  if (version == 1) {
    reader.Take<uint8_t>();
  } else {
    reader.TakeLeb();
  }
  if (!augmentation.empty() && augmentation[0] != 'z') return common;
  if (!augmentation.empty()) {
    common.sized = true;
    reader.TakeLeb();
  }
  for (const char letter : augmentation) {
    if (letter == 'R') {
      common.pointers = reader.Take<uint8_t>();
    } else if (letter == 'L') {
      common.landing_pads = reader.Take<uint8_t>();
    } else if (letter == 'P') {
      const auto encoding = reader.Take<uint8_t>();
      reader.TakeEncoded(encoding, 0);
    } else if (letter == 'S') {
      common.signal = true;
    } else if (letter != 'z' && letter != 'B') {
      return common;
    }
  }
  common.usable = !reader.failed() && (common.pointers & kIndirect) == 0;
  return common;
}

}  // namespace

void Elf::ReadUnwind() {
  uint64_t at = 0;
  if (const Section* section = Named(".eh_frame"); section != nullptr && section->address != 0) {
    at = section->address;
  } else if (unwind_header_ != 0) {
    Reader header(*this, unwind_header_, unwind_header_ + 64);
    header.Take<uint8_t>();
    const auto encoding = header.Take<uint8_t>();
    header.Skip(2);
    at = header.TakeEncoded(encoding, unwind_header_);
    if (header.failed()) at = 0;
  }
  if (at == 0) return;
  const uint64_t end = at + At(at).size();
  std::unordered_map<uint64_t, Common> commons;
  while (end - at >= 4 && unwind_ranges.size() < kMaxFunctions) {
    const auto length = Read<uint32_t>(at);
    // 0 ends the table; the 64-bit form is used by no linker for this.
    if (!length || *length == 0 || *length == 0xffffffff || *length > end - at - 4) return;
    const uint64_t body = at + 4;
    const uint64_t next = body + *length;
    const auto id = Read<uint32_t>(body);
    if (!id) return;
    if (*id == 0) {
      commons.emplace(at, ReadCommon(Reader(*this, body + 4, next)));
    } else if (const auto common = commons.find(body - *id);
               common != commons.end() && common->second.usable) {
      Reader reader(*this, body + 4, next);
      uint64_t start = reader.TakeEncoded(common->second.pointers, 0);
      const uint64_t size = reader.TakeEncoded(common->second.pointers & kFormat, 0);
      bool pads = false;
      if (common->second.sized) {
        const uint64_t data = reader.TakeLeb();
        if (data != 0 && common->second.landing_pads != kOmitted)
          pads = reader.TakeEncoded(common->second.landing_pads, 0) != 0;
      }
      const uint64_t end = start + size;
      if (common->second.signal) start++;
      if (!reader.failed() && end > start && IsCode(start))
        unwind_ranges.push_back({start, end, pads});
    } else {
      oddities++;
    }
    at = next;
  }
}

void Elf::ReadGo() {
  const Section* section = Named(".gopclntab");
  if (section == nullptr) section = Named(".data.rel.ro.gopclntab");
  if (section == nullptr || section->address == 0) return;
  const uint64_t table = section->address;
  const uint64_t size = section->size;
  const auto word = [&](uint64_t index) -> uint64_t {
    const uint64_t place = table + 8 + index * 8;
    const auto moved = relocations.find(place);
    if (moved != relocations.end()) return moved->second.value;
    return Read<uint64_t>(place).value_or(0);
  };
  const auto magic = Read<uint32_t>(table);
  const auto pointer = Read<uint8_t>(table + 7);
  if (!magic || !pointer || *pointer != 8) {
    oddities++;
    return;
  }
  // go/src/debug/gosym/pclntab.go: 1.2, 1.16, 1.18, 1.20.
  const bool relative = *magic == 0xfffffff0 || *magic == 0xfffffff1;
  uint64_t names = table;
  uint64_t functions = table + 16;
  uint64_t text = 0;
  if (relative) {
    text = word(2);
    names = table + word(3);
    functions = table + word(7);
    if (text == 0) {
      const Section* code = Named(".text");
      text = code == nullptr ? 0 : code->address;
    }
  } else if (*magic == 0xfffffffa) {
    names = table + word(2);
    functions = table + word(6);
  } else if (*magic != 0xfffffffb) {
    oddities++;
    return;
  }
  const uint64_t base = *magic == 0xfffffffb ? table : functions;
  const uint64_t count = std::min<uint64_t>({word(0), size / 8, kMaxFunctions});
  const auto entry_of = [&](uint64_t i) -> uint64_t {
    if (relative) return text + Read<uint32_t>(functions + i * 8).value_or(0);
    return Read<uint64_t>(functions + i * 16).value_or(0);
  };
  for (uint64_t i = 0; i < count; i++) {
    const uint64_t start = entry_of(i);
    const uint64_t end = entry_of(i + 1);
    if (end <= start || !IsCode(start)) {
      oddities++;
      continue;
    }
    go_ranges.push_back({start, end, false});
    const uint64_t described =
        base + (relative ? uint64_t{Read<uint32_t>(functions + i * 8 + 4).value_or(0)}
                         : Read<uint64_t>(functions + i * 16 + 8).value_or(0));
    const auto name = Read<uint32_t>(described + (relative ? 4 : 8));
    if (name) {
      if (const auto text_of = StringAt(names, size, *name); !text_of.empty())
        go_names.emplace(start, text_of);
    }
  }
}

}  // namespace sysieve::reach
