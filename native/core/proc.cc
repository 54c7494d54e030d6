#include "core/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>

namespace sysieve::proc {
namespace {

std::vector<int> NumericEntries(const std::string& directory) {
  std::vector<int> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (!dir) return out;
  while (const dirent* entry = readdir(dir.get())) {
    char* end = nullptr;
    const long id = strtol(entry->d_name, &end, 10);
    if (id > 0 && id <= INT_MAX && *end == '\0') out.push_back(static_cast<int>(id));
  }
  return out;
}

// Field `index` (from 3 on) of a stat file. The command name in parentheses may itself hold spaces
// and parentheses, so fields are counted from the last one.
std::optional<uint64_t> StatField(const std::string& path, int index) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line, '\0')) return std::nullopt;
  size_t at = line.rfind(')');
  if (at == std::string::npos) return std::nullopt;
  at += 2;
  for (int field = 3; field < index; field++) {
    at = line.find(' ', at);
    if (at == std::string::npos) return std::nullopt;
    at++;
  }
  if (at >= line.size()) return std::nullopt;
  return strtoull(line.c_str() + at, nullptr, 10);
}

constexpr uint64_t kExiting = 0x4;  // PF_EXITING, set before sched_process_exit fires

bool IsRefusal(int error) { return error == EACCES || error == EPERM; }

std::string TaskPath(int pid, int tid) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid);
}

}  // namespace

std::vector<int> Processes() { return NumericEntries("/proc"); }

std::vector<int> Threads(int pid) {
  return NumericEntries("/proc/" + std::to_string(pid) + "/task");
}

int Parent(int pid) {
  return static_cast<int>(StatField("/proc/" + std::to_string(pid) + "/stat", 4).value_or(0));
}

uint32_t Namespace(int pid, const char* kind, bool* refused) {
  struct stat info {};
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind;
  if (stat(path.c_str(), &info) != 0) {
    if (refused != nullptr && IsRefusal(errno)) *refused = true;
    return 0;
  }
  return static_cast<uint32_t>(info.st_ino);
}

std::string ExecutablePath(int pid, bool* refused) {
  std::array<char, PATH_MAX> buffer{};
  const std::string path = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t length = readlink(path.c_str(), buffer.data(), buffer.size());
  if (length <= 0) {
    if (refused != nullptr && length < 0 && IsRefusal(errno)) *refused = true;
    return "";
  }
  return {buffer.data(), static_cast<size_t>(length)};
}

// The first process belongs to the host's root: who is shown that one is shown all.
bool HidesProcesses() { return faccessat(AT_FDCWD, "/proc/1/stat", R_OK, AT_EACCESS) != 0; }

std::set<int> Descendants(const std::vector<int>& processes, const std::vector<int>& roots,
                          const std::function<int(int)>& parent_of) {
  std::set<int> out;
  if (roots.empty()) return out;
  std::map<int, int> parents;
  for (const int pid : processes) parents[pid] = parent_of(pid);
  for (const int pid : processes) {
    int ancestor = pid;
    // Parents are read one after the other, while ids are used again: a circle must end.
    for (int depth = 0; ancestor > 0 && depth < 4096; depth++) {
      if (std::find(roots.begin(), roots.end(), ancestor) != roots.end()) {
        out.insert(pid);
        break;
      }
      const auto parent = parents.find(ancestor);
      if (parent == parents.end()) break;
      ancestor = parent->second;
    }
  }
  return out;
}

std::optional<TaskState> State(int pid, int tid) {
  const std::string path = TaskPath(pid, tid) + "/stat";
  const auto start_time = StatField(path, 22);
  const auto flags = StatField(path, 9);
  if (!start_time || !flags) return std::nullopt;
  return TaskState{*start_time, (*flags & kExiting) != 0};
}

bool IsFiltered(int pid, int tid) {
  std::ifstream file(TaskPath(pid, tid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("Seccomp:")) return line.ends_with('2');
  }
  return false;
}

bool ReadPids(const std::string& path, std::vector<int>* out) {
  std::ifstream file(path);
  if (!file) return false;
  int pid = 0;
  while (file >> pid) out->push_back(pid);
  return true;
}

}  // namespace sysieve::proc
