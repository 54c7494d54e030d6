#include "core/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace sysieve {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  std::string part;
  while (std::getline(stream, part, separator)) out.push_back(part);
  return out;
}

// A path as mountinfo writes it: space, tab, newline and backslash as three octal digits.
std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    const std::string digits = text[i] == '\\' ? text.substr(i + 1, 3) : "";
    if (digits.size() == 3 && digits.find_first_not_of("01234567") == std::string::npos) {
      out.push_back(static_cast<char>(std::stoi(digits, nullptr, 8)));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path == directory ||
         (path.starts_with(directory) && (directory == "/" || path[directory.size()] == '/'));
}

// The options of the cgroup mount that holds `directory` ("cgroup2" for v2), none if it is not
// inside one.
std::optional<std::vector<std::string>> MountOptions(const std::string& directory) {
  std::ifstream file("/proc/self/mountinfo");
  std::string line;
  std::string best;
  std::optional<std::vector<std::string>> options;
  while (std::getline(file, line)) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> left = Split(line.substr(0, dash), ' ');
    const std::vector<std::string> right = Split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    const std::string mountpoint = Unescape(left[4]);
    if (!IsBelow(directory, mountpoint) || mountpoint.size() < best.size()) continue;
    best = mountpoint;
    if (right[0] == "cgroup2") {
      options = {"cgroup2"};
    } else if (right[0] == "cgroup") {
      options = Split(right[2], ',');
    } else {
      options.reset();
    }
  }
  return options;
}

std::optional<uint32_t> Hierarchy(const std::vector<std::string>& options) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> parts = Split(line, ':');
    if (parts.size() < 2) continue;
    const auto number = static_cast<uint32_t>(strtoul(parts[0].c_str(), nullptr, 10));
    if (number == 0) {
      if (options.front() == "cgroup2") return 0;
      continue;
    }
    for (const std::string& controller : Split(parts[1], ',')) {
      for (const std::string& option : options) {
        if (option == controller) return number;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Status WalkCgroups(const std::string& directory, const CgroupVisitor& visit, size_t* refused) {
  *refused = 0;
  std::error_code error;
  const std::string path = fs::canonical(directory, error).string();
  if (error) return Status::Error(error.value(), "open cgroup", directory);
  const auto options = MountOptions(path);
  if (!options) return Status::Error(EINVAL, "find cgroup mount", directory);
  const auto hierarchy = Hierarchy(*options);
  if (!hierarchy) return Status::Error(EINVAL, "find cgroup hierarchy", directory);

  std::vector<std::string> pending = {path};
  while (!pending.empty()) {
    const std::string at = std::move(pending.back());
    pending.pop_back();
    struct stat info {};
    // A cgroup that ended meanwhile has no tasks either. The inode number is the kernfs id.
    if (stat(at.c_str(), &info) != 0) {
      if (errno == EACCES) (*refused)++;
      continue;
    }
    visit({*hierarchy, info.st_ino}, at);
    // What lies in it has tasks all the same, which who made it may have hidden.
    if (faccessat(AT_FDCWD, at.c_str(), R_OK | X_OK, AT_EACCESS) != 0 && errno == EACCES) {
      (*refused)++;
    }
    fs::directory_iterator it(at, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) {
      std::error_code ended;
      if (it->is_directory(ended)) pending.push_back(it->path().string());
    }
  }
  return Status::Ok();
}

}  // namespace sysieve
