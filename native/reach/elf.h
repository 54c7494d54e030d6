// An ELF file read as if it were hostile: every offset and count is checked against the file, and
// what does not fit is left out and counted. 64-bit little-endian x86-64 only.
#ifndef SYSIEVE_REACH_ELF_H_
#define SYSIEVE_REACH_ELF_H_

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sysieve::reach {

struct Segment {
  uint64_t address;
  uint64_t offset;
  uint64_t file_size;
  bool executable;
  bool writable;
};

struct Section {
  std::string_view name;
  uint32_t type;
  uint64_t address;
  uint64_t offset;
  uint64_t size;
  bool executable;
};

struct Symbol {
  std::string_view name;
  std::string_view version;  // empty: none
  bool hidden_version;       // not what an unversioned reference binds to
  uint64_t address;
  uint64_t size;
  bool function;  // STT_FUNC or STT_GNU_IFUNC
  bool indirect;  // STT_GNU_IFUNC: the address is the resolver's
  bool global;    // or weak
  bool defined;
};

// What the loader writes into the image.
struct Relocation {
  enum class Kind {
    kAddress,   // an address inside this file: `value`
    kImport,    // the address of dynamic symbol `symbol`
    kResolver,  // what the function at `value` returns
  };
  uint64_t place;
  Kind kind;
  uint64_t value;
  uint32_t symbol;
};

struct FunctionRange {
  uint64_t start;
  uint64_t end;
  bool landing_pads;  // code after start is entered by the unwinder too
};

class Elf {
 public:
  // Why it cannot be read, in words; empty: it was.
  std::string Parse(std::span<const uint8_t> bytes);

  // nullopt: not in the file.
  template <typename T>
  std::optional<T> ReadFile(uint64_t offset) const {
    if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  template <typename T>
  std::optional<T> Read(uint64_t address) const {
    const auto at = At(address);
    if (at.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, at.data(), sizeof(T));
    return value;
  }
  // The bytes from there to the end of their segment's part of the file.
  std::span<const uint8_t> At(uint64_t address) const;
  bool IsCode(uint64_t address) const;
  bool IsWritable(uint64_t address) const;
  // Written to by the loader, and then no more (PT_GNU_RELRO).
  bool IsSealed(uint64_t address) const {
    return address >= sealed_ && address - sealed_ < sealed_size_;
  }

  bool is_shared = false;   // ET_DYN
  uint64_t entry = 0;       // 0: none
  std::string build_id;     // hexadecimal; empty: none
  std::string interpreter;  // PT_INTERP
  std::string soname;       // DT_SONAME
  std::string run_path;     // DT_RUNPATH, else DT_RPATH
  bool is_static = false;   // without a dynamic section, or without DT_NEEDED and interpreter
  std::vector<std::string> needed;
  std::vector<Segment> segments;
  std::vector<Section> sections;
  std::vector<Symbol> dynamic_symbols;                   // by index
  std::vector<Symbol> local_symbols;                     // of .symtab
  std::unordered_map<uint64_t, Relocation> relocations;  // by place
  std::vector<FunctionRange> unwind_ranges;              // of .eh_frame
  std::vector<FunctionRange> go_ranges;                  // of .gopclntab
  std::unordered_map<uint64_t, std::string_view> go_names;
  std::vector<uint64_t> start_functions;  // DT_INIT, DT_INIT_ARRAY, DT_FINI and their like
  uint64_t oddities = 0;                  // what was left out as it did not fit

 private:
  void ReadSegments(uint64_t offset, uint32_t count);
  void ReadSections(uint64_t offset, uint32_t count, uint32_t names);
  void ReadDynamic();
  void ReadSymbols(uint64_t table, uint64_t strings, uint64_t string_size, uint64_t count);
  void ReadVersions(uint64_t versym, uint64_t verdef, uint64_t verdefs, uint64_t verneed,
                    uint64_t verneeds, uint64_t strings, uint64_t string_size);
  void ReadRelocations(uint64_t table, uint64_t size);
  // One more than the highest index of a symbol there.
  uint64_t SymbolsOf(uint64_t table, uint64_t size) const;
  void ReadRelative(uint64_t table, uint64_t size);
  void ReadSymbolTable();
  void ReadNotes();
  void ReadUnwind();
  void ReadGo();
  uint64_t SymbolCount(uint64_t hash, uint64_t gnu_hash, uint64_t table, uint64_t strings) const;
  std::string_view StringAt(uint64_t table, uint64_t size, uint64_t offset) const;
  const Section* Named(std::string_view name) const;

  std::span<const uint8_t> bytes_;
  uint64_t unwind_header_ = 0;
  uint64_t sealed_ = 0;
  uint64_t sealed_size_ = 0;
  uint64_t dynamic_ = 0;
  uint64_t dynamic_size_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> notes_;
};

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_ELF_H_
