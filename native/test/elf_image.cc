#include "test/elf_image.h"

#include <fstream>
#include <iterator>

#include "reach/scan.h"

namespace sysieve::test {

Assembler& Assembler::Put(std::initializer_list<uint8_t> bytes) {
  code_.insert(code_.end(), bytes);
  return *this;
}

Assembler& Assembler::Put32(uint32_t value) {
  Append(code_, value);
  return *this;
}

Assembler& Assembler::Relative(uint8_t opcode, size_t to) {
  const auto distance = static_cast<uint32_t>(to - (code_.size() + 5));
  return Put({opcode}).Put32(distance);
}

size_t Assembler::Function() {
  while (code_.size() % 16 != 0) code_.push_back(0xcc);
  return code_.size();
}

Bytes Image::Build() const {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = shared ? ET_DYN : ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_entry = kCodeAt + entry;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  std::vector<Elf64_Phdr> headers;
  const size_t count = 1 + (data.empty() ? 0 : 1) + (dynamic.empty() ? 0 : 1) + more_headers.size();
  const uint64_t code_offset = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr);
  const uint64_t data_offset = code_offset + code.size();
  const uint64_t dynamic_offset = data_offset + data.size();
  const auto add = [&](uint32_t type, uint32_t flags, uint64_t offset, uint64_t at, uint64_t size) {
    headers.push_back({type, flags, offset, at, at, size, size, 1});
  };
  add(PT_LOAD, PF_R | PF_X, code_offset, kCodeAt, code.size());
  if (!data.empty())
    add(PT_LOAD, PF_R | (data_writable ? PF_W : 0U), data_offset, kDataAt, data.size());
  if (!dynamic.empty())
    add(PT_DYNAMIC, PF_R, dynamic_offset, 0x700000, dynamic.size() * sizeof(Elf64_Dyn));
  headers.insert(headers.end(), more_headers.begin(), more_headers.end());
  header.e_phnum = static_cast<uint16_t>(headers.size());
  Bytes bytes;
  Append(bytes, header);
  for (const Elf64_Phdr& one : headers) Append(bytes, one);
  bytes.insert(bytes.end(), code.begin(), code.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  for (const Elf64_Dyn& one : dynamic) Append(bytes, one);
  return bytes;
}

Bytes ReadWhole(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string ScanOf(std::span<const uint8_t> bytes) {
  reach::Elf elf;
  if (std::string why = elf.Parse(bytes); !why.empty()) return why;
  return reach::Scan(elf);
}

}  // namespace sysieve::test
