#include "reach/code.h"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace sysieve::reach {

namespace {

// A file of more is not gone through to the end; the rest counts as not decoded.
constexpr uint64_t kMaxCode = 256ULL << 20;

struct Area {
  uint64_t start;
  std::span<const uint8_t> bytes;
};

// Where the target of a call or a jump leads: PLT stubs are looked through.
struct Destination {
  bool import = false;
  uint64_t target = 0;  // an address, or the index of a dynamic symbol
};

class Sweeper {
 public:
  explicit Sweeper(const Elf& elf) : elf_(elf) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  Code Run() {
    code_.go = !elf_.go_ranges.empty();
    CollectAreas();
    CollectStarts();
    SweepAll();
    TakeFromData();
    CutOut();
    Assemble();
    return std::move(code_);
  }

 private:
  struct Start {
    uint64_t end = 0;  // 0: unknown
    bool landing_pads = false;
    bool known = false;
    bool cut = false;
    std::string_view name;
  };

  struct Targets {
    std::unordered_set<uint64_t> all;
    std::vector<uint64_t> fresh;  // not yet made functions of
  };

  static void Found(Targets& targets, uint64_t target) {
    if (targets.all.insert(target).second) targets.fresh.push_back(target);
  }

  void CollectAreas() {
    // Sections tell code from read-only data in one segment, as older linkers have it.
    for (const Section& section : elf_.sections) {
      if (!section.executable || section.size == 0 || !elf_.IsCode(section.address)) continue;
      const auto bytes = elf_.At(section.address);
      areas_.push_back(
          {section.address, bytes.first(std::min<size_t>(bytes.size(), section.size))});
    }
    if (areas_.empty()) {
      for (const Segment& segment : elf_.segments) {
        if (segment.executable) areas_.push_back({segment.address, elf_.At(segment.address)});
      }
    }
    std::sort(areas_.begin(), areas_.end(),
              [](const Area& a, const Area& b) { return a.start < b.start; });
    uint64_t end = 0;
    uint64_t total = 0;
    for (Area& area : areas_) {
      // Overlap is nothing a linker makes.
      if (area.start < end) {
        const uint64_t cut = std::min<uint64_t>(end - area.start, area.bytes.size());
        area = {area.start + cut, area.bytes.subspan(cut)};
      }
      if (total + area.bytes.size() > kMaxCode) {
        code_.undecoded += total + area.bytes.size() - kMaxCode;
        area.bytes = area.bytes.first(kMaxCode - total);
      }
      total += area.bytes.size();
      end = std::max<uint64_t>(end, area.start + area.bytes.size());
    }
    std::erase_if(areas_, [](const Area& area) { return area.bytes.empty(); });
    for (const Area& area : areas_) seen_.emplace_back(area.bytes.size(), false);
  }

  // The area's index; -1: none.
  [[nodiscard]] int64_t AreaOf(uint64_t address) const {
    auto after = std::upper_bound(areas_.begin(), areas_.end(), address,
                                  [](uint64_t at, const Area& area) { return at < area.start; });
    if (after == areas_.begin()) return -1;
    --after;
    return address - after->start < after->bytes.size() ? after - areas_.begin() : -1;
  }

  void AddStart(uint64_t address, uint64_t size, bool pads, bool known, std::string_view name) {
    if (AreaOf(address) < 0) return;
    Start& start = starts_[address];
    if (size != 0 && address + size > address) start.end = std::max(start.end, address + size);
    start.landing_pads |= pads;
    start.known |= known;
    if (start.name.empty() || (!name.empty() && name.size() < start.name.size())) {
      if (!name.empty()) start.name = name;
    }
  }

  void CollectStarts() {
    for (const auto* ranges : {&elf_.unwind_ranges, &elf_.go_ranges}) {
      for (const FunctionRange& range : *ranges)
        AddStart(range.start, range.end - range.start, range.landing_pads, true, {});
    }
    for (const auto& [start, name] : elf_.go_names) AddStart(start, 0, false, true, name);
    for (const Symbol& symbol : elf_.local_symbols) {
      if (symbol.function) AddStart(symbol.address, symbol.size, false, true, symbol.name);
    }
    for (const Symbol& symbol : elf_.dynamic_symbols) {
      if (symbol.function && symbol.defined)
        AddStart(symbol.address, symbol.size, false, true, symbol.name);
    }
    if (elf_.entry != 0) AddStart(elf_.entry, 0, false, true, "_start");
    for (const uint64_t start : elf_.start_functions) AddStart(start, 0, false, true, {});
  }

  // Ranges end where the next begins; what no range covers is swept as well.
  void SweepAll() {
    for (const Area& area : areas_) {
      const uint64_t area_end = area.start + area.bytes.size();
      uint64_t at = area.start;
      while (at < area_end) {
        const auto next = starts_.upper_bound(at);
        const uint64_t until = next == starts_.end() ? area_end : std::min(next->first, area_end);
        SweepRange(at, until);
        at = until;
      }
    }
  }

  void SweepFrom(uint64_t address) {
    const int64_t area = AreaOf(address);
    if (area < 0) return;
    SweepRange(address, areas_[area].start + areas_[area].bytes.size(), true);
  }

  // `until_seen`: ends where a sweep has been before.
  void SweepRange(uint64_t from, uint64_t until, bool until_seen = false) {
    const int64_t index = AreaOf(from);
    if (index < 0) return;
    const Area& area = areas_[index];
    std::vector<bool>& seen = seen_[index];
    uint64_t at = from;
    while (at < until) {
      const uint64_t offset = at - area.start;
      if (until_seen && seen[offset]) return;
      seen[offset] = true;
      ZydisDecodedInstruction instruction;
      ZydisDecoderContext context;
      if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, &context,
                                                      area.bytes.data() + offset,
                                                      area.bytes.size() - offset, &instruction))) {
        code_.undecoded++;
        at++;
        continue;
      }
      Note(at, instruction);
      at += instruction.length;
    }
  }

  void Add(uint64_t at, Event::Kind kind, uint64_t target, bool tail = false) {
    events_.push_back({at, target, kind, tail});
  }

  // A PLT stub, with or without endbr64: jmp [rip+X], where the loader fills X.
  [[nodiscard]] Destination Through(uint64_t address) const {
    const auto bytes = elf_.At(address);
    size_t at = 0;
    if (bytes.size() >= 4 && bytes[0] == 0xf3 && bytes[1] == 0x0f && bytes[2] == 0x1e &&
        bytes[3] == 0xfa)
      at = 4;
    if (bytes.size() > at && bytes[at] == 0xf2) at++;
    if (bytes.size() < at + 6 || bytes[at] != 0xff || bytes[at + 1] != 0x25)
      return {false, address};
    int32_t offset;
    std::memcpy(&offset, bytes.data() + at + 2, 4);
    const uint64_t slot = address + at + 6 + static_cast<uint64_t>(int64_t{offset});
    const auto filled = elf_.relocations.find(slot);
    if (filled == elf_.relocations.end()) return {false, address};
    if (filled->second.kind == Relocation::Kind::kImport) return {true, filled->second.symbol};
    return {false, filled->second.value};
  }

  void Branch(uint64_t at, uint64_t target, bool call) {
    const Destination to = Through(target);
    if (to.import) {
      Add(at, Event::Kind::kCallImport, to.target, !call);
    } else if (call) {
      Add(at, Event::Kind::kCall, to.target);
      Found(called_, to.target);
    } else {
      Add(at, Event::Kind::kJump, to.target, true);
    }
  }

  void ReferTo(uint64_t place) {
    if (AreaOf(place) < 0 && !elf_.At(place).empty()) code_.referred_data.push_back(place);
  }

  void Take(uint64_t at, uint64_t address) {
    const Destination to = Through(address);
    if (to.import) {
      Add(at, Event::Kind::kTakeImport, to.target);
    } else if (AreaOf(to.target) >= 0) {
      Add(at, Event::Kind::kTake, to.target);
      Found(referred_, to.target);
    }
  }

  // `slot`: where the address lies that is called, jumped to or read.
  bool TakeSlot(uint64_t at, uint64_t slot, bool branch, bool call) {
    const auto filled = elf_.relocations.find(slot);
    if (filled == elf_.relocations.end()) {
      // Without the loader's help the file itself has the value; not where the program may change
      // it.
      const auto value = branch ? elf_.Read<uint64_t>(slot) : std::nullopt;
      if (!value || elf_.IsWritable(slot) || AreaOf(*value) < 0) return false;
      Branch(at, *value, call);
      return true;
    }
    const Relocation& relocation = filled->second;
    if (relocation.kind == Relocation::Kind::kImport) {
      Add(at, branch ? Event::Kind::kCallImport : Event::Kind::kTakeImport, relocation.symbol,
          branch && !call);
    } else if (branch) {
      Branch(at, relocation.value, call);
      // What may be changed later may lead elsewhere.
      if (elf_.IsWritable(slot)) Add(at, Event::Kind::kIndirect, 0, !call);
    } else {
      Take(at, relocation.value);
    }
    return true;
  }

  void Note(uint64_t at, const ZydisDecodedInstruction& instruction) {
    const auto& raw = instruction.raw;
    const uint64_t next = at + instruction.length;
    const bool relative = (instruction.attributes & ZYDIS_ATTRIB_IS_RELATIVE) != 0;
    const bool has_modrm = (instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    const bool rip = has_modrm && raw.modrm.mod == 0 && raw.modrm.rm == 5;
    const uint64_t place = next + static_cast<uint64_t>(raw.disp.value);
    switch (instruction.mnemonic) {
      case ZYDIS_MNEMONIC_SYSCALL:
        return Add(at, Event::Kind::kGate, static_cast<uint64_t>(Gate::kSyscall));
      case ZYDIS_MNEMONIC_SYSENTER:
        return Add(at, Event::Kind::kGate, static_cast<uint64_t>(Gate::kSysenter));
      case ZYDIS_MNEMONIC_INT:
        if (raw.imm[0].value.u == 0x80)
          Add(at, Event::Kind::kGate, static_cast<uint64_t>(Gate::kInt80));
        return;
      case ZYDIS_MNEMONIC_CALL:
      case ZYDIS_MNEMONIC_JMP: {
        const bool call = instruction.mnemonic == ZYDIS_MNEMONIC_CALL;
        if (relative && !has_modrm)
          return Branch(at, next + static_cast<uint64_t>(raw.imm[0].value.s), call);
        if (rip && TakeSlot(at, place, true, call)) return;
        return Add(at, Event::Kind::kIndirect, 0, !call);
      }
      default:
        break;
    }
    if (relative && !has_modrm && instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
      return Branch(at, next + static_cast<uint64_t>(raw.imm[0].value.s), false);
    if (rip) {
      // What is read in place may be one of a table's, and tells not where the next begins.
      if (instruction.mnemonic == ZYDIS_MNEMONIC_LEA) {
        ReferTo(place);
        Take(at, place);
      } else {
        TakeSlot(at, place, false, false);
      }
    }
    if (elf_.is_shared) return;
    // An address as a plain number: only code that is not moved has that. (Relative is also said of
    // what refers to its data so.)
    if (raw.disp.size == 32 && !rip) ReferTo(static_cast<uint64_t>(raw.disp.value));
    if (raw.imm[0].size < 32 || (relative && !has_modrm)) return;
    const uint64_t number = raw.imm[0].value.u;
    ReferTo(number);
    if (AreaOf(number) >= 0 && (starts_.count(number) != 0 || number % 16 == 0)) Take(at, number);
  }

  void TakeData(uint64_t value) {
    if (AreaOf(value) < 0) return;
    const Destination to = Through(value);
    if (to.import) {
      code_.taken_imports.insert(static_cast<uint32_t>(to.target));
    } else if (starts_.count(to.target) != 0 || !Known(to.target)) {
      // Inside a function that is known: a label of its own tables.
      data_.insert(to.target);
    }
  }

  void TakeFromData() {
    std::unordered_set<uint64_t> got;
    for (const Event& event : events_) {
      if (event.kind == Event::Kind::kCallImport) got.insert(event.target);
    }
    for (const auto& [place, relocation] : elf_.relocations) {
      if (relocation.kind == Relocation::Kind::kImport) {
        // A slot that code calls through holds no pointer of anyone else; another one might.
        if (got.count(relocation.symbol) == 0) code_.taken_imports.insert(relocation.symbol);
      } else {
        TakeData(relocation.value);
      }
    }
    if (elf_.is_shared) return;
    for (const Segment& segment : elf_.segments) {
      const uint64_t first = (segment.address + 7) & ~uint64_t{7};
      const auto bytes = elf_.At(first);
      for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
        uint64_t value;
        std::memcpy(&value, bytes.data() + i, 8);
        if (value != 0 && AreaOf(value) >= 0 && AreaOf(first + i) < 0) TakeData(value);
      }
    }
  }

  // Whether an address lies in a function that tables or symbols tell of.
  [[nodiscard]] bool Known(uint64_t address) const {
    auto after = starts_.upper_bound(address);
    if (after == starts_.begin()) return false;
    --after;
    return after->second.known && (after->second.end == 0 || address < after->second.end);
  }

  // Functions that only what leads to them tells of. Where a sweep went past their beginning,
  // another one begins there, and may find more.
  void CutOut() {
    for (const uint64_t target : std::exchange(called_.fresh, {})) AddTarget(target, false);
    for (const uint64_t target : std::exchange(referred_.fresh, {})) AddTarget(target, true);
    for (const uint64_t target : data_) AddTarget(target, true);
    while (!late_.empty()) {
      for (const uint64_t start : std::exchange(late_, {})) SweepFrom(start);
      for (const uint64_t target : std::exchange(called_.fresh, {})) AddTarget(target, false);
      for (const uint64_t target : std::exchange(referred_.fresh, {})) AddTarget(target, true);
    }
  }

  void Assemble() {
    for (const Area& area : areas_) starts_.try_emplace(area.start);
    // What lies behind the end of a known function belongs to nobody yet.
    std::vector<uint64_t> behind;
    for (auto one = starts_.begin(); one != starts_.end(); ++one) {
      const auto next = std::next(one);
      const uint64_t end = one->second.end;
      if (end != 0 && AreaOf(end) >= 0 && (next == starts_.end() || next->first > end))
        behind.push_back(end);
    }
    for (const uint64_t start : behind) starts_.try_emplace(start);
    for (auto one = starts_.begin(); one != starts_.end(); ++one) {
      const Area& area = areas_[AreaOf(one->first)];
      const auto next = std::next(one);
      uint64_t end = area.start + area.bytes.size();
      if (next != starts_.end()) end = std::min(end, next->first);
      code_.functions.push_back({one->first,
                                 end,
                                 one->second.landing_pads,
                                 one->second.known,
                                 one->second.cut,
                                 std::string(one->second.name),
                                 {}});
    }
    std::sort(events_.begin(), events_.end(),
              [](const Event& a, const Event& b) { return a.at < b.at; });
    size_t at = 0;
    for (const Event& event : events_) {
      while (at + 1 < code_.functions.size() && code_.functions[at + 1].start <= event.at) at++;
      if (event.at >= code_.functions[at].start && event.at < code_.functions[at].end)
        code_.functions[at].events.push_back(event);
    }
    auto& referred = code_.referred_data;
    for (const Section& section : elf_.sections) {
      if (section.address != 0) referred.push_back(section.address);
    }
    std::sort(referred.begin(), referred.end());
    referred.erase(std::unique(referred.begin(), referred.end()), referred.end());
    code_.taken.assign(data_.begin(), data_.end());
    std::sort(code_.taken.begin(), code_.taken.end());
  }

  // A call begins a function wherever it leads; a value only where no function is known.
  void AddTarget(uint64_t target, bool value) {
    const int64_t area = AreaOf(target);
    if (area < 0 || starts_.count(target) != 0) return;
    if (value && Known(target)) return;
    auto [start, added] = starts_.try_emplace(target);
    // Calls into a known function: its other half is as well known.
    if (added && start != starts_.begin()) {
      Start& before = std::prev(start)->second;
      if (before.end > target) {
        start->second.end = before.end;
        start->second.known = before.known;
        start->second.landing_pads = before.landing_pads;
        start->second.cut = true;
        before.end = target;
      }
    }
    if (!seen_[area][target - areas_[area].start]) late_.push_back(target);
  }

  const Elf& elf_;
  ZydisDecoder decoder_;
  Code code_;
  std::vector<Area> areas_;
  std::vector<std::vector<bool>> seen_;  // where a sweep looked for an instruction, for each area
  std::map<uint64_t, Start> starts_;
  std::vector<Event> events_;
  Targets called_;
  Targets referred_;
  std::unordered_set<uint64_t> data_;
  std::vector<uint64_t> late_;
};

}  // namespace

int64_t Code::Find(uint64_t address) const {
  auto after =
      std::upper_bound(functions.begin(), functions.end(), address,
                       [](uint64_t at, const Function& function) { return at < function.start; });
  if (after == functions.begin()) return -1;
  --after;
  return address < after->end ? after - functions.begin() : -1;
}

bool Stops(const ZydisDecodedInstruction& instruction) {
  const auto category = instruction.meta.category;
  const auto mnemonic = instruction.mnemonic;
  return category == ZYDIS_CATEGORY_UNCOND_BR || category == ZYDIS_CATEGORY_RET ||
         mnemonic == ZYDIS_MNEMONIC_UD2 || mnemonic == ZYDIS_MNEMONIC_HLT ||
         mnemonic == ZYDIS_MNEMONIC_INT3;
}

Code Sweep(const Elf& elf) { return Sweeper(elf).Run(); }

}  // namespace sysieve::reach
