#include "notify/image.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/fd.h"
#include "core/memory.h"

namespace sysieve::notify {
namespace {

constexpr size_t kRandomBytes = 16;

// The vector of a 32-bit program consists of words of 32 bits; read as 64-bit ones its first type
// has a value in its upper half.
template <typename Word>
uint64_t Find(const std::string& vector, uint64_t type) {
  std::array<Word, 2> entry{};
  for (size_t at = 0; at + sizeof(entry) <= vector.size(); at += sizeof(entry)) {
    memcpy(&entry, vector.data() + at, sizeof(entry));
    if (entry[0] == AT_NULL) return 0;
    if (entry[0] == type) return entry[1];
  }
  return 0;
}

uint64_t Value(const std::string& vector, uint64_t type) {
  uint64_t first = 0;
  if (vector.size() >= sizeof(first)) memcpy(&first, vector.data(), sizeof(first));
  return first >> 32 != 0 ? Find<uint32_t>(vector, type) : Find<uint64_t>(vector, type);
}

}  // namespace

Image ReadImage(pid_t tid) {
  Image image;
  const std::string path = "/proc/" + std::to_string(tid) + "/auxv";
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    image.starved = errno == EMFILE || errno == ENFILE;
    return image;
  }
  std::array<char, 1024> vector{};
  const ssize_t length = read(file.get(), vector.data(), vector.size());
  if (length <= 0) return image;
  file = UniqueFd();
  image.key.assign(vector.data(), static_cast<size_t>(length));
  std::array<char, kRandomBytes> random{};
  if (const uint64_t at = Value(image.key, AT_RANDOM); at != 0) {
    const TaskMemory memory(tid);
    image.starved = memory.starved();
    memory.Read(at, random.data(), random.size());
  }
  image.path_at = Value(image.key, AT_EXECFN);
  image.key.append(random.data(), random.size());
  return image;
}

std::string ReadPath(pid_t tid, uint64_t at) {
  const TaskMemory memory(tid);
  std::string path;
  std::array<char, 256> part{};
  while (at != 0 && path.size() < kPathBytes) {
    // A read stops at the first page that is not there: the path ends before that.
    const size_t got = memory.Read(at, part.data(), part.size());
    const char* end = std::find(part.data(), part.data() + got, '\0');
    path.append(part.data(), static_cast<size_t>(end - part.data()));
    if (got < part.size() || end != part.data() + got) break;
    at += got;
  }
  return path;
}

bool ReadWord(pid_t tid, uint64_t address, uint64_t* word) {
  return TaskMemory(tid).ReadWord(address, word);
}

}  // namespace sysieve::notify
