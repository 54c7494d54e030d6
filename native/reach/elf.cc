#include "reach/elf.h"

#include <elf.h>

#include <algorithm>

namespace sysieve::reach {

namespace {

// More than any real file has, and few enough to be gone through.
constexpr uint64_t kMaxSymbols = 4'000'000;
constexpr uint64_t kMaxRelocations = 4'000'000;
constexpr size_t kMaxSegments = 128;
constexpr size_t kMaxSections = 4096;
constexpr size_t kMaxNeeded = 512;
constexpr size_t kMaxName = 512;

#ifndef R_X86_64_RELATIVE64
#define R_X86_64_RELATIVE64 38
#endif
#ifndef DT_RELR
#define DT_RELR 36
#define DT_RELRSZ 35
#endif

}  // namespace

std::span<const uint8_t> Elf::At(uint64_t address) const {
  for (const Segment& segment : segments) {
    if (address < segment.address || address - segment.address >= segment.file_size) continue;
    const uint64_t skipped = address - segment.address;
    return bytes_.subspan(segment.offset + skipped, segment.file_size - skipped);
  }
  return {};
}

bool Elf::IsCode(uint64_t address) const {
  return std::any_of(segments.begin(), segments.end(), [&](const Segment& segment) {
    return segment.executable && address >= segment.address &&
           address - segment.address < segment.file_size;
  });
}

bool Elf::IsWritable(uint64_t address) const {
  return std::any_of(segments.begin(), segments.end(), [&](const Segment& segment) {
    return segment.writable && address >= segment.address &&
           address - segment.address < segment.file_size;
  });
}

std::string_view Elf::StringAt(uint64_t table, uint64_t size, uint64_t offset) const {
  if (offset >= size) return {};
  const auto at = At(table + offset);
  const size_t most = std::min({at.size(), static_cast<size_t>(size - offset), kMaxName});
  const void* end = most == 0 ? nullptr : std::memchr(at.data(), 0, most);
  if (end == nullptr) return {};
  const auto* text = reinterpret_cast<const char*>(at.data());
  return {text, static_cast<size_t>(static_cast<const char*>(end) - text)};
}

const Section* Elf::Named(std::string_view name) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const Section& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

std::string Elf::Parse(std::span<const uint8_t> bytes) {
  bytes_ = bytes;
  const auto header = ReadFile<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return "not an ELF file";
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return "32-bit code is not scanned";
  if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
    return "code for another machine than x86-64";
  if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
    return "neither an executable nor a library";
  if (header->e_phentsize != sizeof(Elf64_Phdr)) return "program headers of an unknown size";
  is_shared = header->e_type == ET_DYN;
  entry = header->e_entry;
  ReadSegments(header->e_phoff, header->e_phnum);
  if (std::none_of(segments.begin(), segments.end(), [](const Segment& s) { return s.executable; }))
    return "no code in it";
  if (header->e_shentsize == sizeof(Elf64_Shdr))
    ReadSections(header->e_shoff, header->e_shnum, header->e_shstrndx);
  ReadDynamic();
  is_static = interpreter.empty() && needed.empty();
  ReadSymbolTable();
  ReadNotes();
  ReadUnwind();
  ReadGo();
  return {};
}

void Elf::ReadSegments(uint64_t offset, uint32_t count) {
  // Segments that lie in the file side by side are no more than it; a page of each may be in two.
  uint64_t room = bytes_.size() + count * uint64_t{4096};
  for (uint32_t i = 0; i < std::min<uint32_t>(count, kMaxSegments); i++) {
    const auto header = ReadFile<Elf64_Phdr>(offset + i * sizeof(Elf64_Phdr));
    if (!header) {
      oddities++;
      return;
    }
    if (header->p_offset > bytes_.size()) {
      oddities++;
      continue;
    }
    const uint64_t size = std::min<uint64_t>(header->p_filesz, bytes_.size() - header->p_offset);
    if (size < header->p_filesz) oddities++;
    switch (header->p_type) {
      case PT_LOAD:
        if (header->p_vaddr + size < header->p_vaddr || size > room) {
          oddities++;
        } else if (size > 0) {
          room -= size;
          segments.push_back({header->p_vaddr, header->p_offset, size,
                              (header->p_flags & PF_X) != 0, (header->p_flags & PF_W) != 0});
        }
        break;
      case PT_DYNAMIC:
        dynamic_ = header->p_offset;
        dynamic_size_ = size;
        break;
      case PT_INTERP:
        if (size > 1 && size <= kMaxName) {
          const auto* text = reinterpret_cast<const char*>(bytes_.data() + header->p_offset);
          interpreter.assign(text, strnlen(text, size));
        }
        break;
      case PT_NOTE:
        notes_.emplace_back(header->p_offset, size);
        break;
      case PT_GNU_EH_FRAME:
        unwind_header_ = header->p_vaddr;
        break;
      case PT_GNU_RELRO:
        sealed_ = header->p_vaddr;
        sealed_size_ = header->p_memsz;
        break;
      default:
        break;
    }
  }
}

void Elf::ReadSections(uint64_t offset, uint32_t count, uint32_t names) {
  std::vector<Elf64_Shdr> headers;
  for (uint32_t i = 0; i < std::min<uint32_t>(count, kMaxSections); i++) {
    const auto header = ReadFile<Elf64_Shdr>(offset + i * sizeof(Elf64_Shdr));
    if (!header) break;
    headers.push_back(*header);
  }
  if (names >= headers.size()) return;
  const Elf64_Shdr& table = headers[names];
  for (const Elf64_Shdr& header : headers) {
    if (header.sh_type == SHT_NULL || header.sh_type == SHT_NOBITS) continue;
    if (header.sh_offset > bytes_.size() || header.sh_size > bytes_.size() - header.sh_offset) {
      oddities++;
      continue;
    }
    std::string_view name;
    const uint64_t at = table.sh_offset + header.sh_name;
    if (header.sh_name < table.sh_size && at < bytes_.size()) {
      const auto* text = reinterpret_cast<const char*>(bytes_.data() + at);
      name = {text, strnlen(text, std::min<size_t>(bytes_.size() - at, kMaxName))};
    }
    sections.push_back({name, header.sh_type, header.sh_addr, header.sh_offset, header.sh_size,
                        (header.sh_flags & SHF_EXECINSTR) != 0});
  }
}

// The symbols' table has no length of its own: the hash tables know how many there are.
uint64_t Elf::SymbolCount(uint64_t hash, uint64_t gnu_hash, uint64_t table,
                          uint64_t strings) const {
  if (hash != 0) {
    const auto chains = Read<uint32_t>(hash + 4);
    if (chains) return std::min<uint64_t>(*chains, kMaxSymbols);
  }
  if (gnu_hash != 0) {
    const auto buckets = Read<uint32_t>(gnu_hash);
    const auto first = Read<uint32_t>(gnu_hash + 4);
    const auto bloom = Read<uint32_t>(gnu_hash + 8);
    if (buckets && first && bloom && *buckets <= kMaxSymbols && *bloom <= kMaxSymbols) {
      const uint64_t bucket_table = gnu_hash + 16 + uint64_t{*bloom} * 8;
      const uint64_t chain_table = bucket_table + uint64_t{*buckets} * 4;
      uint64_t last = 0;
      for (uint32_t i = 0; i < *buckets; i++) {
        const auto bucket = Read<uint32_t>(bucket_table + i * 4);
        if (!bucket) break;
        last = std::max<uint64_t>(last, *bucket);
      }
      if (last < *first) return *first;
      while (last < kMaxSymbols) {
        const auto chain = Read<uint32_t>(chain_table + (last - *first) * 4);
        if (!chain) break;
        last++;
        if ((*chain & 1) != 0) break;
      }
      return last;
    }
  }
  // Linkers put the strings right behind it.
  return strings > table ? std::min((strings - table) / sizeof(Elf64_Sym), kMaxSymbols) : 0;
}

void Elf::ReadDynamic() {
  std::map<uint64_t, uint64_t> tags;
  std::vector<uint64_t> needs;
  for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic_size_; at += sizeof(Elf64_Dyn)) {
    const auto dynamic = ReadFile<Elf64_Dyn>(dynamic_ + at);
    if (!dynamic || dynamic->d_tag == DT_NULL) break;
    if (dynamic->d_tag == DT_NEEDED) {
      if (needs.size() < kMaxNeeded) needs.push_back(dynamic->d_un.d_val);
    } else {
      tags.emplace(static_cast<uint64_t>(dynamic->d_tag), dynamic->d_un.d_val);
    }
  }
  if (tags.empty() && needs.empty()) return;
  const auto tag = [&](uint64_t name) {
    const auto found = tags.find(name);
    return found == tags.end() ? uint64_t{0} : found->second;
  };
  const uint64_t strings = tag(DT_STRTAB);
  const uint64_t size = tag(DT_STRSZ);
  for (const uint64_t name : needs) needed.emplace_back(StringAt(strings, size, name));
  if (tags.count(DT_SONAME) != 0) soname = StringAt(strings, size, tag(DT_SONAME));
  if (tags.count(DT_RUNPATH) != 0) {
    run_path = StringAt(strings, size, tag(DT_RUNPATH));
  } else if (tags.count(DT_RPATH) != 0) {
    run_path = StringAt(strings, size, tag(DT_RPATH));
  }
  const uint64_t table = tag(DT_SYMTAB);
  if (table != 0) {
    // What is only imported stands in no hash table of GNU's: relocations tell of it.
    const uint64_t count = std::max({SymbolCount(tag(DT_HASH), tag(DT_GNU_HASH), table, strings),
                                     SymbolsOf(tag(DT_RELA), tag(DT_RELASZ)),
                                     SymbolsOf(tag(DT_JMPREL), tag(DT_PLTRELSZ))});
    ReadSymbols(table, strings, size, std::min(count, kMaxSymbols));
    ReadVersions(tag(DT_VERSYM), tag(DT_VERDEF), tag(DT_VERDEFNUM), tag(DT_VERNEED),
                 tag(DT_VERNEEDNUM), strings, size);
  }
  ReadRelocations(tag(DT_RELA), tag(DT_RELASZ));
  ReadRelocations(tag(DT_JMPREL), tag(DT_PLTRELSZ));
  ReadRelative(tag(DT_RELR), tag(DT_RELRSZ));
  for (const uint64_t one : {tag(DT_INIT), tag(DT_FINI)}) {
    if (one != 0) start_functions.push_back(one);
  }
  const auto arrays = {std::pair{DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
                       std::pair{DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
                       std::pair{DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ}};
  for (const auto& [array, length] : arrays) {
    const uint64_t count = std::min<uint64_t>(tag(static_cast<uint64_t>(length)) / 8, 65536);
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t place = tag(static_cast<uint64_t>(array)) + i * 8;
      const auto moved = relocations.find(place);
      if (moved != relocations.end()) {
        if (moved->second.kind != Relocation::Kind::kImport)
          start_functions.push_back(moved->second.value);
      } else if (const auto value = Read<uint64_t>(place); value && *value != 0) {
        start_functions.push_back(*value);
      }
    }
  }
}

void Elf::ReadSymbols(uint64_t table, uint64_t strings, uint64_t string_size, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    const auto symbol = Read<Elf64_Sym>(table + i * sizeof(Elf64_Sym));
    if (!symbol) {
      oddities++;
      return;
    }
    const auto type = ELF64_ST_TYPE(symbol->st_info);
    dynamic_symbols.push_back({StringAt(strings, string_size, symbol->st_name),
                               {},
                               false,
                               symbol->st_value,
                               symbol->st_size,
                               type == STT_FUNC || type == STT_GNU_IFUNC,
                               type == STT_GNU_IFUNC,
                               ELF64_ST_BIND(symbol->st_info) != STB_LOCAL,
                               symbol->st_shndx != SHN_UNDEF});
  }
}

void Elf::ReadVersions(uint64_t versym, uint64_t verdef, uint64_t verdefs, uint64_t verneed,
                       uint64_t verneeds, uint64_t strings, uint64_t string_size) {
  if (versym == 0) return;
  std::unordered_map<uint16_t, std::string_view> names;
  uint64_t at = verdef;
  for (uint64_t i = 0; verdef != 0 && i < std::min<uint64_t>(verdefs, 4096); i++) {
    const auto definition = Read<Elf64_Verdef>(at);
    if (!definition) break;
    if (const auto name = Read<Elf64_Verdaux>(at + definition->vd_aux))
      names.emplace(definition->vd_ndx & 0x7fff, StringAt(strings, string_size, name->vda_name));
    if (definition->vd_next == 0) break;
    at += definition->vd_next;
  }
  at = verneed;
  for (uint64_t i = 0; verneed != 0 && i < std::min<uint64_t>(verneeds, 4096); i++) {
    const auto need = Read<Elf64_Verneed>(at);
    if (!need) break;
    uint64_t entry_at = at + need->vn_aux;
    for (uint32_t j = 0; j < std::min<uint32_t>(need->vn_cnt, 4096); j++) {
      const auto name = Read<Elf64_Vernaux>(entry_at);
      if (!name) break;
      names.emplace(name->vna_other & 0x7fff, StringAt(strings, string_size, name->vna_name));
      if (name->vna_next == 0) break;
      entry_at += name->vna_next;
    }
    if (need->vn_next == 0) break;
    at += need->vn_next;
  }
  for (size_t i = 0; i < dynamic_symbols.size(); i++) {
    const auto index = Read<uint16_t>(versym + i * 2);
    if (!index) return;
    const auto name = names.find(*index & 0x7fff);
    // 1 is the base version: the symbol has none.
    if (name != names.end() && (*index & 0x7fff) > 1) dynamic_symbols[i].version = name->second;
    dynamic_symbols[i].hidden_version = (*index & 0x8000) != 0;
  }
}

uint64_t Elf::SymbolsOf(uint64_t table, uint64_t size) const {
  uint64_t most = 0;
  const uint64_t count = std::min(size / sizeof(Elf64_Rela), kMaxRelocations);
  for (uint64_t i = 0; table != 0 && i < count; i++) {
    const auto one = Read<Elf64_Rela>(table + i * sizeof(Elf64_Rela));
    if (!one) break;
    // Beyond what its table can hold: ReadRelocations counts it.
    const uint64_t symbol = ELF64_R_SYM(one->r_info);
    if (symbol < kMaxSymbols) most = std::max(most, symbol + 1);
  }
  return most;
}

void Elf::ReadRelocations(uint64_t table, uint64_t size) {
  if (table == 0) return;
  const uint64_t count = std::min(size / sizeof(Elf64_Rela), kMaxRelocations);
  for (uint64_t i = 0; i < count; i++) {
    const auto one = Read<Elf64_Rela>(table + i * sizeof(Elf64_Rela));
    if (!one) {
      oddities++;
      return;
    }
    const auto symbol = static_cast<uint32_t>(ELF64_R_SYM(one->r_info));
    const auto addend = static_cast<uint64_t>(one->r_addend);
    switch (ELF64_R_TYPE(one->r_info)) {
      case R_X86_64_RELATIVE:
      case R_X86_64_RELATIVE64:
        relocations.insert_or_assign(
            one->r_offset, Relocation{one->r_offset, Relocation::Kind::kAddress, addend, 0});
        break;
      case R_X86_64_IRELATIVE:
        relocations.insert_or_assign(
            one->r_offset, Relocation{one->r_offset, Relocation::Kind::kResolver, addend, 0});
        break;
      case R_X86_64_JUMP_SLOT:
      case R_X86_64_GLOB_DAT:
      case R_X86_64_64:
        if (symbol < dynamic_symbols.size())
          relocations.insert_or_assign(
              one->r_offset, Relocation{one->r_offset, Relocation::Kind::kImport, 0, symbol});
        else
          oddities++;
        break;
      default:
        break;
    }
  }
}

// DT_RELR: addresses and bitmaps of the 63 words behind them (gABI).
void Elf::ReadRelative(uint64_t table, uint64_t size) {
  if (table == 0) return;
  uint64_t next = 0;
  uint64_t added = 0;
  const auto add = [&](uint64_t place) {
    // A word tells of up to 63 places: as many as there may be are looked at.
    if (added++ >= kMaxRelocations) return;
    if (const auto value = Read<uint64_t>(place))
      relocations.emplace(place, Relocation{place, Relocation::Kind::kAddress, *value, 0});
  };
  const uint64_t count = std::min(size / 8, kMaxRelocations);
  for (uint64_t i = 0; i < count; i++) {
    const auto word = Read<uint64_t>(table + i * 8);
    if (!word) {
      oddities++;
      return;
    }
    if ((*word & 1) == 0) {
      add(*word);
      next = *word + 8;
      continue;
    }
    for (uint64_t bit = 0; bit < 63; bit++) {
      if ((*word >> (bit + 1) & 1) != 0) add(next + bit * 8);
    }
    next += 63 * 8;
  }
}

void Elf::ReadSymbolTable() {
  const auto table = std::find_if(sections.begin(), sections.end(),
                                  [](const Section& one) { return one.type == SHT_SYMTAB; });
  const Section* names = Named(".strtab");
  if (table == sections.end() || names == nullptr) return;
  const uint64_t count = std::min(table->size / sizeof(Elf64_Sym), kMaxSymbols);
  for (uint64_t i = 0; i < count; i++) {
    const auto symbol = ReadFile<Elf64_Sym>(table->offset + i * sizeof(Elf64_Sym));
    if (!symbol) return;
    const auto type = ELF64_ST_TYPE(symbol->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) continue;
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= names->size) continue;
    const auto* text =
        reinterpret_cast<const char*>(bytes_.data() + names->offset + symbol->st_name);
    const std::string_view name{
        text, strnlen(text, std::min<size_t>(names->size - symbol->st_name, kMaxName))};
    if (name.empty() || !IsCode(symbol->st_value)) continue;
    local_symbols.push_back({name,
                             {},
                             false,
                             symbol->st_value,
                             symbol->st_size,
                             type != STT_NOTYPE,
                             type == STT_GNU_IFUNC,
                             true,
                             true});
  }
}

void Elf::ReadNotes() {
  for (const auto& [offset, size] : notes_) {
    uint64_t at = offset;
    const uint64_t end = offset + size;
    while (at + sizeof(Elf64_Nhdr) <= end) {
      const auto note = ReadFile<Elf64_Nhdr>(at);
      if (!note) break;
      const uint64_t name = at + sizeof(Elf64_Nhdr);
      const uint64_t text = name + ((uint64_t{note->n_namesz} + 3) & ~uint64_t{3});
      const uint64_t next = text + ((uint64_t{note->n_descsz} + 3) & ~uint64_t{3});
      if (next > end || next <= at) break;
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && note->n_descsz <= 64 &&
          std::memcmp(bytes_.data() + name, "GNU", 4) == 0) {
        build_id.clear();
        for (uint32_t i = 0; i < note->n_descsz; i++) {
          constexpr char kDigits[] = "0123456789abcdef";
          const uint8_t byte = bytes_[text + i];
          build_id += kDigits[byte >> 4];
          build_id += kDigits[byte & 15];
        }
        return;
      }
      at = next;
    }
  }
}

}  // namespace sysieve::reach
