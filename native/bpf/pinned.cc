#include "bpf/pinned.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace sysieve {
namespace {

constexpr auto kState = "state";
constexpr int kDetachTries = 400;
constexpr timespec kDetachPause = {.tv_sec = 0, .tv_nsec = 5'000'000};
// Where the kernel may not be asked for a link by its number: above what a grace period takes.
constexpr timespec kDetachBlind = {.tv_sec = 0, .tv_nsec = 500'000'000};

// FNV-1a.
class Hash {
 public:
  void Add(const void* bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
      value_ = (value_ ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
    }
  }
  void Add(uint32_t number) { Add(&number, sizeof(number)); }
  [[nodiscard]] uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

uint64_t LineOf(int fd, const std::string& field) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
  std::string name;
  while (file >> name) {
    uint64_t value = 0;
    if (name == field && file >> value) return value;
    std::getline(file, name);
  }
  return 0;
}

// An element of a hash that is not allocated beforehand: a head, key and value, in the size classes
// that the kernel's BPF allocator has.
uint64_t ElementSize(const bpf_map_info& info) {
  constexpr uint64_t kHead = 56;
  const auto round8 = [](uint64_t size) { return (size + 7) & ~uint64_t{7}; };
  const uint64_t size = kHead + round8(info.key_size) + round8(info.value_size);
  constexpr std::array<uint64_t, 9> kClasses = {16, 32, 64, 96, 128, 192, 256, 512, 1024};
  const auto* fit = std::lower_bound(kClasses.begin(), kClasses.end(), size);
  return fit == kClasses.end() ? size : *fit;
}

}  // namespace

uint64_t PinnedLayout(const bpf_object* object) {
  Hash hash;
  hash.Add(kPinnedVersion);
  hash.Add(sizeof(PinnedState));
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    // Constants: the compiler's affair.
    if (name.find("rodata") != std::string::npos) continue;
    hash.Add(name.data(), name.size() + 1);
    hash.Add(static_cast<uint32_t>(bpf_map__type(map)));
    hash.Add(bpf_map__key_size(map));
    hash.Add(bpf_map__value_size(map));
    hash.Add(bpf_map__max_entries(map));
  }
  return hash.value();
}

std::string PinPath(const std::string& directory, const char* kind, const std::string& name) {
  std::string file = std::string(kind) + "_" + name;
  std::replace(file.begin(), file.end(), '.', '_');
  return directory + "/" + file;
}

Status PinAs(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) == 0) return Status::Ok();
  return Status::Error(errno, "pin", path);
}

Status OpenPin(const std::string& path, UniqueFd* out) {
  *out = UniqueFd(bpf_obj_get(path.c_str()));
  return *out ? Status::Ok() : Status::Error(errno, "open the pinned session", path);
}

Status ReusePinnedMap(const std::string& directory, bpf_map* map) {
  const std::string path = PinPath(directory, "map", bpf_map__name(map));
  UniqueFd fd;
  if (Status s = OpenPin(path, &fd); !s.ok()) return s;
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) {
    return Status::Error(errno, "open the pinned session", path);
  }
  if (info.type != static_cast<uint32_t>(bpf_map__type(map)) ||
      info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map) ||
      info.max_entries != bpf_map__max_entries(map)) {
    return Status::Error(EPROTO, "read the pinned session", path);
  }
  if (const int error = bpf_map__reuse_fd(map, fd.get()); error != 0) {
    return Status::Error(-error, "open the pinned session", path);
  }
  return Status::Ok();
}

Status PinState(const std::string& directory, const PinnedState& state, UniqueFd* out) {
  *out = UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sysieve_state", sizeof(uint32_t),
                                 sizeof(PinnedState), 1, nullptr));
  if (!*out) return Status::Error(errno, "create the BPF maps");
  if (Status s = WritePinnedState(out->get(), state); !s.ok()) return s;
  return PinAs(out->get(), PinPath(directory, "map", kState));
}

Status WritePinnedState(int fd, const PinnedState& state) {
  const uint32_t zero = 0;
  if (bpf_map_update_elem(fd, &zero, &state, BPF_ANY) == 0) return Status::Ok();
  return Status::Error(errno, "keep the session's state");
}

Status ReadPinnedState(const std::string& directory, PinnedState* state, UniqueFd* out) {
  const std::string path = PinPath(directory, "map", kState);
  if (Status s = OpenPin(path, out); !s.ok()) return s;
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(out->get(), &info, &size) != 0 || info.type != BPF_MAP_TYPE_ARRAY ||
      info.value_size != sizeof(PinnedState)) {
    return Status::Error(EPROTO, "read the pinned session", path);
  }
  const uint32_t zero = 0;
  if (bpf_map_lookup_elem(out->get(), &zero, state) == 0) return Status::Ok();
  return Status::Error(errno, "open the pinned session", path);
}

void DetachPinnedLinks(const std::vector<std::string>& paths) {
  std::vector<uint32_t> ids;
  for (const std::string& path : paths) {
    UniqueFd link;
    bpf_link_info info{};
    uint32_t size = sizeof(info);
    if (OpenPin(path, &link).ok() && bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0) {
      ids.push_back(info.id);
    }
    unlink(path.c_str());
  }
  // The kernel lets go of what was pinned a grace period later.
  for (int i = 0; i < kDetachTries && !ids.empty(); i++) {
    const UniqueFd link(bpf_link_get_fd_by_id(ids.back()));
    if (!link && errno == ENOENT) {
      ids.pop_back();
    } else if (!link && errno != EAGAIN) {
      nanosleep(&kDetachBlind, nullptr);
      return;
    } else {
      nanosleep(&kDetachPause, nullptr);
    }
  }
}

void AddKernelMemory(int fd, KernelMemory* memory) {
  uint64_t now = LineOf(fd, "memlock:");
  union {
    bpf_map_info map;
    bpf_prog_info program;
  } info{};
  uint32_t size = sizeof(info);
  if (LineOf(fd, "prog_tag:") != 0 || LineOf(fd, "prog_id:") != 0) {
    size = sizeof(info.program);
    if (bpf_obj_get_info_by_fd(fd, &info.program, &size) == 0) now += info.program.jited_prog_len;
    memory->bytes += now;
    memory->most += now;
    return;
  }
  size = sizeof(info.map);
  uint64_t most = now;
  if (bpf_obj_get_info_by_fd(fd, &info.map, &size) == 0 && info.map.type == BPF_MAP_TYPE_HASH &&
      (info.map.map_flags & BPF_F_NO_PREALLOC) != 0) {
    // Buckets, a power of two of 16 bytes each, and the elements.
    uint64_t buckets = 1;
    while (buckets < info.map.max_entries) buckets *= 2;
    most = std::max(most, buckets * 16 + info.map.max_entries * ElementSize(info.map));
  }
  memory->bytes += now;
  memory->most += most;
}

}  // namespace sysieve
