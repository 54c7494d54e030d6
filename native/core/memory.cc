#include "core/memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace sysieve {
namespace {

// Of an entry in pagemap; Documentation/admin-guide/mm/pagemap.rst.
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kSwapped = uint64_t{1} << 62;
constexpr uint64_t kOfFile = uint64_t{1} << 61;
constexpr uint64_t kFaultHandled = uint64_t{1} << 57;  // userfaultfd, also where no page is

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

UniqueFd OpenOf(int tid, const char* name) {
  const std::string path = "/proc/" + std::to_string(tid) + "/" + name;
  return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace

TaskMemory::TaskMemory(int tid) : bytes_(OpenOf(tid, "mem")) {
  if (bytes_) pages_ = OpenOf(tid, "pagemap");
  if (bytes_ && pages_) return;
  starved_ = errno == EMFILE || errno == ENFILE;
  // Without CONFIG_PROC_PAGE_MONITOR.
  no_pages_ = bytes_ && errno == ENOENT;
}

// A read through /proc/PID/mem faults a missing page in without leave to retry (__access_remote_vm
// has no `locked`), so handle_userfault() refuses it at once, where process_vm_readv waits. A page
// of a file is waited for all the same, and no signal ends that wait. So only what is in memory or
// in swap is read; what is taken away between the look and the read is the tracer's owner's to end.
bool TaskMemory::AtHand(uint64_t address) const {
  if (no_pages_) return true;
  uint64_t entry = 0;
  const auto at = static_cast<off_t>(address / PageBytes() * sizeof(entry));
  if (pread(pages_.get(), &entry, sizeof(entry), at) != sizeof(entry)) return false;
  if ((entry & kPresent) != 0) return true;
  return (entry & (kSwapped | kOfFile | kFaultHandled)) == kSwapped;
}

size_t TaskMemory::Read(uint64_t address, void* into, size_t size) const {
  if (!bytes_) return 0;
  size_t done = 0;
  while (done < size) {
    const uint64_t at = address + done;
    const auto part =
        static_cast<size_t>(std::min<uint64_t>(size - done, PageBytes() - at % PageBytes()));
    if (!AtHand(at)) break;
    const ssize_t got =
        pread(bytes_.get(), static_cast<char*>(into) + done, part, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

bool TaskMemory::ReadWord(uint64_t address, uint64_t* word) const {
  uint64_t read = 0;
  if (Read(address, &read, sizeof(read)) != sizeof(read)) return false;
  *word = read;
  return true;
}

}  // namespace sysieve
