// Which program a task runs now, told by what its execve left in its memory: the path that was
// passed to it (AT_EXECFN) and 16 random bytes (AT_RANDOM), new at every execve, that name the
// image.
#ifndef SYSIEVE_NOTIFY_IMAGE_H_
#define SYSIEVE_NOTIFY_IMAGE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace sysieve::notify {

// The longest path that execve takes (PATH_MAX), its end included.
constexpr size_t kPathBytes = 4096;

struct Image {
  // The auxiliary vector and the random bytes: the same for threads and forked children, another
  // after each execve. Empty: the task is gone, or its memory may not be read.
  std::string key;
  bool starved = false;  // no descriptor was left to read it with
  uint64_t path_at = 0;  // AT_EXECFN
};

// Of a task that stands still.
Image ReadImage(pid_t tid);

// What lies at Image::path_at: untrusted, the program may have written over it.
std::string ReadPath(pid_t tid, uint64_t at);

// False where the memory is not there or may not be read.
bool ReadWord(pid_t tid, uint64_t address, uint64_t* word);

}  // namespace sysieve::notify

#endif  // SYSIEVE_NOTIFY_IMAGE_H_
