// Small ELF files of hand-made code, and what the scanner says of them.
#ifndef SYSIEVE_TEST_ELF_IMAGE_H_
#define SYSIEVE_TEST_ELF_IMAGE_H_

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "reach/elf.h"

namespace sysieve::test {

using Bytes = std::vector<uint8_t>;

constexpr uint64_t kCodeAt = 0x401000;
constexpr uint64_t kDataAt = 0x600000;

// Machine code, one instruction after the other.
class Assembler {
 public:
  Assembler& Put(std::initializer_list<uint8_t> bytes);
  Assembler& Put32(uint32_t value);
  Assembler& MovEax(uint32_t number) { return Put({0xb8}).Put32(number); }
  Assembler& MovEdi(uint32_t number) { return Put({0xbf}).Put32(number); }
  Assembler& Syscall() { return Put({0x0f, 0x05}); }
  Assembler& Ret() { return Put({0xc3}); }
  // To an offset within the code.
  Assembler& Call(size_t to) { return Relative(0xe8, to); }
  Assembler& Jump(size_t to) { return Relative(0xe9, to); }
  // The next function, at an aligned place: its offset.
  size_t Function();
  [[nodiscard]] size_t here() const { return code_.size(); }
  [[nodiscard]] const Bytes& code() const { return code_; }

 private:
  Assembler& Relative(uint8_t opcode, size_t to);

  Bytes code_;
};

struct Image {
  Bytes code{};
  size_t entry = 0;  // offset in the code
  Bytes data{};      // read-only, at kDataAt
  bool data_writable = false;
  bool shared = false;
  std::vector<Elf64_Dyn> dynamic{};        // behind the data, where there is any
  std::vector<Elf64_Phdr> more_headers{};  // as they are

  [[nodiscard]] Bytes Build() const;
};

template <typename T>
void Append(Bytes& bytes, const T& value) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof(T));
}

Bytes ReadWhole(const char* path);

// What a scan of the bytes says: JSON; or why there is none.
std::string ScanOf(std::span<const uint8_t> bytes);
inline std::string ScanOf(const Image& image) { return ScanOf(image.Build()); }

inline bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace sysieve::test

#endif  // SYSIEVE_TEST_ELF_IMAGE_H_
