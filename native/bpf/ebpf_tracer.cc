#include "bpf/ebpf_tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string_view>

#include "bpf/aggregates.h"
#include "bpf/group_table.h"
#include "bpf/object.h"
#include "bpf/pinned.h"
#include "bpf/shared.h"
#include "bpf/task_source.h"
#include "bpf/task_table.h"
#include "core/cgroup.h"
#include "core/fd.h"
#include "core/proc.h"

namespace sysieve {
namespace {

struct ObjectDeleter {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Object = std::unique_ptr<bpf_object, ObjectDeleter>;
using Link = std::unique_ptr<bpf_link, LinkDeleter>;

// A data section of the loaded object, shared with the programs; data() is null where mmap failed.
class Mapping {
 public:
  Mapping(int fd, size_t size) : size_(size) {
    void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) data_ = mapped;
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  Mapping& operator=(Mapping&&) = delete;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  [[nodiscard]] void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  size_t size_;
};

// libbpf explains failures only through its log: the last warning becomes the error's detail.
thread_local std::string last_warning;

int KeepWarning(libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 512> text{};
  vsnprintf(text.data(), text.size(), format, args);
  std::string_view view(text.data());
  // The verifier's log ends in statistics; the line that names the cause comes first.
  while (!view.empty() && view.back() == '\n') view.remove_suffix(1);
  // These say only that it failed.
  if (!last_warning.empty() && (view.find("failed to load") != std::string_view::npos ||
                                view.find("permission error") != std::string_view::npos)) {
    return 0;
  }
  last_warning = view;
  return 0;
}

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

double Ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

// Maps, programs and their types, with room for what libbpf opens meanwhile.
constexpr int kDescriptors = 64;

// Operations that no remedy helps but another kernel; see src/capture/host.ts.
constexpr auto kNeedsTypes = "find the kernel's type information (BTF)";
constexpr auto kNeedsAtomics = "use atomic operations in BPF programs";

// What a scan could not find out; a blind spot each. Kept in PinnedState.
enum Gap : uint32_t { kExecutablesUnreadable = 1, kTasksHidden = 2 };

// The hooks in the order they are armed: first what keeps the table of tasks true.
constexpr std::array kTaskHooks = {"fork",          "exec",         "task_exit",
                                   "cgroup_attach", "cgroup_mkdir", "cgroup_rmdir"};

constexpr std::array kHooks = {"exit",      "enter",         "fork",         "exec",
                               "task_exit", "cgroup_attach", "cgroup_mkdir", "cgroup_rmdir"};

// A hook and its copies, which not all have.
std::vector<std::string> WithCopies(const std::string& hook) {
  std::vector<std::string> hooks = {hook};
  for (int copy = 1; copy < SYSIEVE_COPIES; copy++) hooks.push_back(hook + std::to_string(copy));
  return hooks;
}

}  // namespace

class EbpfTracer::Impl {
 public:
  Status OpenObject() {
    last_warning.clear();
    libbpf_set_print(KeepWarning);
    const std::span<const char> image = BpfObject();
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "sysieve");
    object_.reset(bpf_object__open_mem(image.data(), image.size(), &options));
    if (!object_) return Failure(errno, "open the BPF object");
    layout_ = PinnedLayout(object_.get());
    return Status::Ok();
  }

  // `groups`: that the maps are for.
  Status MapSections(uint32_t groups) {
    if (!(config_ = Section<sysieve_config>(".data.config")) ||
        !(counters_ = Section<sysieve_counters>(".bss"))) {
      return Status::Error(EINVAL, "map the BPF object's data");
    }
    aggregates_.Open(object_.get());
    return groups_.Open(object_.get(), groups);
  }

  // Needs no target, so it can be done while that is still being looked for.
  Status Load(bool typed, bool grouped) {
    suffix_ = typed ? "_btf" : "_raw";
    typed_ = typed;
    grouped_ = grouped;
    if (Status s = OpenObject(); !s.ok()) return s;
    if (Status s = SizeMaps(); !s.ok()) return s;
    preemptible_ = MayPreempt();
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      const std::string_view name = bpf_program__name(program);
      const bool copy = name.find_first_of("0123456789") != std::string_view::npos;
      bpf_program__set_autoload(program, name.ends_with(suffix_) && (preemptible_ || !copy));
    }
    if (const int error = bpf_object__load(object_.get()); error != 0) {
      return LoadFailure(-error);
    }
    if (Status s = MapSections(grouped_ ? SYSIEVE_GROUPS : 1); !s.ok()) return s;
    if (Status s = groups_.Fill(); !s.ok()) return s;
    return tasks_.Open(MapFd("tasks"), MapFd("collided_tasks"), groups_.data());
  }

  Status Arm(const Target& target, size_t* tasks) {
    if (Status s = Configure(target); !s.ok()) return s;
    for (const char* hook : kTaskHooks) {
      if (Status s = Attach(hook); !s.ok()) return s;
    }
    for (const int pid : target.setup_pids) {
      const auto before = proc::State(pid, pid);
      if (before && !before->exiting) tasks_.Claim(pid, SLOT_SETUP);
      const auto after = proc::State(pid, pid);
      if (!before || !after || after->exiting || after->start_time != before->start_time) {
        return Status::Error(ESRCH, "find the process to start", std::to_string(pid));
      }
    }
    if (Status s = EnterCgroups(target, 0); !s.ok()) return s;
    if (Status s = Scan(target, 0, tasks); !s.ok()) return s;
    start_ns_ = NowNs();
    config_->start_ns = start_ns_;
    if (Status s = Attach("enter"); !s.ok()) return s;
    if (preemptible_) {
      if (Status s = AttachCopies(); !s.ok()) return s;
    }
    return target.denied ? WatchDenied() : Status::Ok();
  }

  // A program's copy asks the state of the task whether an earlier one was there: so that is kept
  // before the first copy runs.
  Status AttachCopies() {
    __atomic_store_n(&config_->copies, SYSIEVE_COPIES - 1, __ATOMIC_SEQ_CST);
    for (const char* hook : {"enter", "exit"}) {
      if (!IsAttached(hook)) {
        if (Status s = Attach(hook); !s.ok()) return s;
      }
      for (int copy = 1; copy < SYSIEVE_COPIES; copy++) {
        if (Status s = Attach(hook + std::to_string(copy)); !s.ok()) return s;
      }
      missed_alone_ += MissesOf(hook);
    }
    return Status::Ok();
  }

  // After "enter": an exit whose enter went by unseen would look like a denied call.
  Status WatchDenied() {
    if (denied_since_ns_ != 0) return Status::Ok();
    __atomic_store_n(&config_->watch_denied, 1U, __ATOMIC_SEQ_CST);
    if (!IsAttached("exit")) {
      if (Status s = Attach("exit"); !s.ok()) return s;
    }
    denied_since_ns_ = NowNs();
    return Status::Ok();
  }

  // Names first: a cgroup that is made meanwhile is seen being made, or is there to be entered.
  Status Follow(const Target& more, size_t* tasks, Followed* followed) {
    *tasks = 0;
    *followed = Followed::kInTime;
    if (!more.cgroup_names.empty()) {
      // A container that was made anew does not come back, and the map has room for few names.
      for (const std::string& text : followed_names_) RemoveCgroupName(text);
      followed_names_ = more.cgroup_names;
    }
    if (Status s = AddCgroupNames(more); !s.ok()) return s;
    std::erase_if(cgroup_directories_, [](const std::string& directory) {
      return access(directory.c_str(), F_OK) != 0;
    });
    if (Status s = EnterCgroups(more, 0); !s.ok()) return s;
    if (more.cgroups.empty()) return Status::Ok();
    if (Status s = Scan(more, 0, tasks); !s.ok()) return s;
    // After the scan: what executes something from here on is known and counted.
    for (const std::string& cgroup : more.cgroups) {
      *followed = std::max(*followed, FollowedInTime(cgroup));
    }
    return Status::Ok();
  }

  Followed FollowedInTime(std::string_view cgroup) {
    std::string_view name = cgroup.substr(cgroup.rfind('/') + 1);
    if (name.ends_with(".scope")) name.remove_suffix(std::string_view(".scope").size());
    sysieve_id id{};
    if (name.size() < sizeof(id.text)) return Followed::kUnknown;
    memcpy(id.text, name.data() + name.size() - sizeof(id.text), sizeof(id.text));
    uint32_t state = 0;
    if (bpf_map_lookup_elem(MapFd("unfollowed"), &id, &state) != 0) return Followed::kUnknown;
    return state == UNFOLLOWED_SETUP ? Followed::kInTime : Followed::kLate;
  }

  // The links last: until they are pinned, all ends with this process.
  Status Pin(const std::string& directory) {
    if (Status s = Lock(directory); !s.ok()) return s;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      const std::string path = PinPath(directory, "map", bpf_map__name(map));
      if (Status s = PinAs(bpf_map__fd(map), path); !s.ok()) return s;
    }
    if (Status s = PinState(directory, State(), &state_); !s.ok()) return s;
    for (const auto& [hook, link] : links_) {
      if (Status s = PinAs(ProgramFd(hook), PinPath(directory, "prog", hook)); !s.ok()) return s;
    }
    for (const auto& [hook, link] : links_) {
      const std::string path = PinPath(directory, "link", hook);
      if (Status s = PinAs(bpf_link__fd(link.get()), path); !s.ok()) return s;
    }
    return Status::Ok();
  }

  // What another process pinned. With `exclusive` nobody else may have it so.
  Status OpenPinned(const std::string& directory, bool exclusive) {
    if (exclusive) {
      if (Status s = Lock(directory); !s.ok()) return s;
    }
    if (Status s = OpenObject(); !s.ok()) return s;
    PinnedState state{};
    if (Status s = ReadPinnedState(directory, &state, &state_); !s.ok()) return s;
    if (state.layout != layout_) {
      return Status::Error(EPROTO, "read the pinned session", directory);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (std::string_view(bpf_map__name(map)).find("rodata") != std::string_view::npos) continue;
      if (Status s = ReusePinnedMap(directory, map); !s.ok()) return s;
    }
    if (Status s = MapSections(1); !s.ok()) return s;
    for (const char* hook : kHooks) {
      for (const std::string& copy : WithCopies(hook)) {
        UniqueFd program;
        if (OpenPin(PinPath(directory, "prog", copy), &program).ok()) {
          pinned_programs_.emplace(copy, std::move(program));
        }
      }
    }
    Restore(state);
    pinned_ = directory;
    // One that is gone before the end counted nothing since, and nobody knows since when.
    for (const auto& [hook, program] : pinned_programs_) {
      if (end_ns_ == 0 && access(PinPath(directory, "link", hook).c_str(), F_OK) != 0) {
        links_gone_++;
      }
    }
    return Status::Ok();
  }

  [[nodiscard]] KernelMemory Memory() {
    KernelMemory memory;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (bpf_map__fd(map) >= 0) AddKernelMemory(bpf_map__fd(map), &memory);
    }
    for (const auto& [hook, link] : links_) AddKernelMemory(ProgramFd(hook), &memory);
    for (const auto& [hook, program] : pinned_programs_) AddKernelMemory(program.get(), &memory);
    return memory;
  }

  void DetachPinned() {
    if (end_ns_ == 0) {
      // Before anything is let go of: killed in the middle, a recording has ended here, and is none
      // that goes on without counting.
      end_ns_ = NowNs();
      (void)WritePinnedState(state_.get(), State()).ok();
    }
    // One after the other, "exit" first, for the reason given at WatchDenied.
    const auto detach = [&](std::span<const char* const> hooks) {
      std::vector<std::string> paths;
      for (const char* hook : hooks) {
        for (const std::string& copy : WithCopies(hook)) {
          paths.push_back(PinPath(pinned_, "link", copy));
        }
      }
      DetachPinnedLinks(paths);
    };
    const std::span<const char* const> hooks(kHooks);
    detach(hooks.subspan(0, 1));
    detach(hooks.subspan(1, 1));
    detach(hooks.subspan(2));
  }

  void Detach() {
    if (!pinned_.empty()) return DetachPinned();
    if (links_.empty()) return;
    // Newest first: "exit" before "enter", for the reason given at WatchDenied.
    while (!links_.empty()) links_.pop_back();
    end_ns_ = NowNs();
  }

  Status Read(Observation* out) {
    if (grouped_) return Status::Error(EINVAL, "read one target of many");
    const sysieve_group& only = groups_.at(0);
    Describe(0, start_ns_, out);
    out->newest_ms = SinceStart(counters_->newest_ns);
    if (denied_since_ns_ != 0) {
      // Watched before the first call counts as watched from the start.
      const double since = Ms(denied_since_ns_ - start_ns_);
      out->denied_since_ms = denied_from_start_ ? 0 : since;
    }
    const uint32_t slots = std::min<uint32_t>(only.next_slot, SYSIEVE_SLOTS);
    if (Status s = ReadCounts(slots, out); !s.ok()) return s;
    aggregates_.Read({{0, {out, start_ns_}}});
    CountMisses(only, {}, out);
    return Status::Ok();
  }

  Status ListGroups(Groups* out) {
    const std::vector<uint32_t> left = groups_.Left();
    std::vector<Observation> nobodys;
    if (!left.empty()) TakeGroups(left, &nobodys);
    const Misses now = MissesNow();
    for (const GroupTable::Used& used : groups_.Look()) {
      const sysieve_group& group = groups_.at(used.group);
      // What was skipped before it was there was none of its.
      misses_before_.try_emplace(used.group, misses_last_);
      out->groups.push_back({used.group, std::string(group.id.text, sizeof(group.id.text)),
                             SinceStart(group.born_ns), std::max<int64_t>(0, group.live),
                             group.starts, used.ended});
    }
    misses_last_ = now;
    out->lost = counters_->lost_groups;
    return Status::Ok();
  }

  // The hooks are armed: what starts meanwhile has a group, and is not taken twice.
  Status Adopt(const std::string& id, const Target& target, size_t* tasks) {
    uint32_t group = 0;
    if (Status s = groups_.Take(id, &group); !s.ok()) return s;
    FollowNamespaces(target, group);
    cgroup_directories_.clear();
    Status status = EnterCgroups(target, group);
    // One that has ended meanwhile is a group without tasks, and soon over.
    if (status.ok() || status.code == ENOENT) status = Scan(target, group, tasks);
    return status;
  }

  Status TakeGroups(const std::vector<uint32_t>& groups, std::vector<Observation>* out) {
    out->assign(groups.size(), {});
    std::map<uint32_t, Aggregates::Share> shares;
    for (size_t i = 0; i < groups.size(); i++) {
      const uint32_t at = groups[i];
      if (at >= SYSIEVE_GROUPS || !grouped_) return Status::Error(EINVAL, "read a group");
      const sysieve_group& group = groups_.at(at);
      Describe(at, group.born_ns, &(*out)[i]);
      gaps_.erase(at);
      (*out)[i].denied_since_ms = 0;
      shares[at] = {&(*out)[i], group.born_ns};
    }
    aggregates_.Take(shares);
    for (size_t i = 0; i < groups.size(); i++) {
      const auto before = misses_before_.find(groups[i]);
      CountMisses(groups_.at(groups[i]), before == misses_before_.end() ? Misses{} : before->second,
                  &(*out)[i]);
      misses_before_.erase(groups[i]);
    }
    groups_.Free(groups);
    return Status::Ok();
  }

  GroupTable& groups() { return groups_; }

  void DeniedFromStart() { denied_from_start_ = true; }

 private:
  // Runs of the programs that the kernel skipped, of any task on this machine.
  struct Misses {
    uint64_t hooks = 0;
    uint64_t enters = 0;
    uint64_t exits = 0;
  };

  // Everything about a group that is not in the maps of calls.
  void Describe(uint32_t number, uint64_t since_ns, Observation* out) {
    const sysieve_group& group = groups_.at(number);
    const uint64_t now = end_ns_ != 0 ? end_ns_ : NowNs();
    out->elapsed_ms = now > since_ns ? Ms(now - since_ns) : 0;
    out->live = std::max<int64_t>(0, __atomic_load_n(&group.live, __ATOMIC_RELAXED));
    out->live_application =
        std::max<int64_t>(0, __atomic_load_n(&group.live_application, __ATOMIC_RELAXED));
    out->starts = __atomic_load_n(&group.starts, __ATOMIC_RELAXED);
    out->filtered = __atomic_load_n(&counters_->filtered, __ATOMIC_RELAXED) != 0;
    out->preemptible = preemptible_;
    out->lost.tasks = group.lost_tasks;
    out->lost.namespaces = group.lost_namespaces;
    out->lost.cgroups = group.lost_cgroups;
    out->lost.executables = group.lost_executables;
    out->lost.paths = group.truncated_paths;
    if (!typed_ && denied_since_ns_ != 0) out->blind_spots.emplace_back("kill-thread-unseen");
    if (group.listeners != 0) out->blind_spots.emplace_back("listener-unwatched");
    const auto found = gaps_.find(number);
    const uint32_t gaps = found == gaps_.end() ? 0 : found->second;
    if ((gaps & kExecutablesUnreadable) != 0) {
      out->blind_spots.emplace_back("executables-unreadable");
    }
    if ((gaps & kTasksHidden) != 0) out->blind_spots.emplace_back("tasks-hidden");
  }

  // Of many groups nothing is counted in the arrays, which are large.
  Status SizeMaps() {
    if (!grouped_) return Status::Ok();
    bpf_map* mode = nullptr;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (std::string_view(bpf_map__name(map)).ends_with(".rodata.mode")) mode = map;
    }
    const uint32_t yes = 1;
    if (mode == nullptr || bpf_map__set_initial_value(mode, &yes, sizeof(yes)) != 0) {
      return Status::Error(EINVAL, "set the mode of the BPF programs");
    }
    const std::initializer_list<std::pair<const char*, uint32_t>> sizes = {
        {"counts", 1},
        {"first_seen", 1},
        {"groups", SYSIEVE_GROUPS},
        {"free_groups", SYSIEVE_GROUPS},
        {"group_by_id", 16 * SYSIEVE_GROUPS},
        {"tuple_counts", 2 * SYSIEVE_TRACKED_CALLS * SYSIEVE_GROUPS},
        {"slot_by_path", 32 * SYSIEVE_GROUPS},
        {"other_calls", 512 * SYSIEVE_GROUPS},
        {"denied_calls", 64 * SYSIEVE_GROUPS},
        {"tuples", 128 * SYSIEVE_GROUPS},
        {"tuple_overflow", 8 * SYSIEVE_GROUPS},
        {"cgroups", 32 * SYSIEVE_GROUPS},
        {"namespaces", 32 * SYSIEVE_GROUPS}};
    for (const auto& [name, entries] : sizes) {
      bpf_map* sized = bpf_object__find_map_by_name(object_.get(), name);
      if (const int error = bpf_map__set_max_entries(sized, entries); error != 0) {
        return Status::Error(-error, "size the BPF maps", name);
      }
    }
    return Status::Ok();
  }

  Status Failure(int code, const std::string& operation) {
    return Status::Error(code, operation, last_warning);
  }

  // libbpf answers ESRCH where it finds no types, and EINVAL or worse for what a program uses and
  // the kernel has not: what is missing is found out by trying each, so that neither is taken for
  // the other, nor a limit (ENOMEM, EMFILE) for either.
  Status LoadFailure(int error) {
    const std::string detail = last_warning;
    if (error == EPERM || error == EACCES) {
      // Before 5.11 maps are charged to RLIMIT_MEMLOCK, and one over it is refused with EPERM.
      if (!MakesMap()) return Status::Error(error, "load the BPF programs", detail);
      if (IsMapRefusal(detail)) return Status::Error(ENOMEM, "create the BPF maps", detail);
      return Status::Error(error, "load the BPF programs", detail);
    }
    if (error == ENOMEM || error == EMFILE || error == ENFILE || error == E2BIG) {
      return Status::Error(error, "load the BPF programs", detail);
    }
    // libbpf tries out what the kernel can do, and takes a lack of descriptors for a lack of that.
    if (const int limit = DescriptorLimit(); limit != 0) {
      return Status::Error(limit, "load the BPF programs", detail);
    }
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0 && errno == ENOENT) {
      return Status::Error(EOPNOTSUPP, kNeedsTypes, detail);
    }
    if (!HasAtomics()) return Status::Error(EOPNOTSUPP, kNeedsAtomics, detail);
    return Status::Error(error, "load the BPF programs", detail);
  }

  // Which limit stands in the way of as many as loading takes; 0: none.
  static int DescriptorLimit() {
    std::vector<UniqueFd> taken;
    for (int i = 0; i < kDescriptors; i++) {
      UniqueFd one(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
      if (!one) return errno == EMFILE || errno == ENFILE ? errno : 0;
      taken.push_back(std::move(one));
    }
    return 0;
  }

  static bool IsMapRefusal(const std::string& detail) {
    return detail.find("map") != std::string::npos;
  }

  static bool MakesMap() {
    const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sysieve_probe", 4, 4, 1, nullptr));
    return static_cast<bool>(map);
  }

  // Atomic operations that return what was there before: Linux 5.12.
  static bool HasAtomics() {
    constexpr auto kFetchAdd = BPF_ADD | 0x01;  // BPF_FETCH
    const std::array<bpf_insn, 5> program = {
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        bpf_insn{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
        bpf_insn{.code = BPF_STX | 0xc0 | BPF_DW,
                 .dst_reg = BPF_REG_10,
                 .src_reg = BPF_REG_0,
                 .off = -8,
                 .imm = kFetchAdd},
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        bpf_insn{.code = BPF_JMP | BPF_EXIT}};
    const UniqueFd fd(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "sysieve_probe", "GPL",
                                    program.data(), program.size(), nullptr));
    // A limit is no answer.
    return fd || (errno != EINVAL && errno != ENOTSUP);
  }

  // libbpf itself maps data sections only for generated skeletons.
  template <typename T>
  T* Section(std::string_view name) {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (!std::string_view(bpf_map__name(map)).ends_with(name)) continue;
      if (bpf_map__value_size(map) < sizeof(T)) return nullptr;
      mappings_.emplace_back(bpf_map__fd(map), bpf_map__value_size(map));
      return static_cast<T*>(mappings_.back().data());
    }
    return nullptr;
  }

  int MapFd(const char* name) {
    return bpf_map__fd(bpf_object__find_map_by_name(object_.get(), name));
  }

  bpf_program* Program(const std::string& hook) {
    return bpf_object__find_program_by_name(object_.get(), (hook + suffix_).c_str());
  }

  int ProgramFd(const std::string& hook) {
    const auto pinned = pinned_programs_.find(hook);
    return pinned != pinned_programs_.end() ? pinned->second.get() : bpf_program__fd(Program(hook));
  }

  // Of a session's directory, until this process ends.
  Status Lock(const std::string& directory) {
    lock_ = UniqueFd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!lock_) return Status::Error(errno, "open the pinned session", directory);
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return Status::Ok();
    return Status::Error(errno == EWOULDBLOCK ? EBUSY : errno, "lock the pinned session",
                         directory);
  }

  [[nodiscard]] PinnedState State() const {
    return {.layout = layout_,
            .start_ns = start_ns_,
            .end_ns = end_ns_,
            .denied_since_ns = denied_since_ns_,
            .missed_alone = missed_alone_,
            .typed = typed_,
            .preemptible = preemptible_,
            .denied_from_start = denied_from_start_,
            .gaps = gaps_.contains(0) ? gaps_.at(0) : 0};
  }

  void Restore(const PinnedState& state) {
    suffix_ = state.typed != 0 ? "_btf" : "_raw";
    typed_ = state.typed != 0;
    preemptible_ = state.preemptible != 0;
    start_ns_ = state.start_ns;
    end_ns_ = state.end_ns;
    denied_since_ns_ = state.denied_since_ns;
    denied_from_start_ = state.denied_from_start != 0;
    missed_alone_ = state.missed_alone;
    gaps_[0] = state.gaps;
    for (uint32_t at = 0; at < 2 * SYSIEVE_NUMBERS; at++) {
      sysieve_tracked how{};
      if (bpf_map_lookup_elem(MapFd("tracked"), &at, &how) != 0 || how.arguments == 0) continue;
      aggregates_.Track(at < SYSIEVE_NUMBERS ? Abi::kX86_64 : Abi::kI386, at % SYSIEVE_NUMBERS,
                        std::min<size_t>(how.arguments, SYSIEVE_ARGUMENTS));
    }
  }

  Status Attach(const std::string& hook) {
    Link link(bpf_program__attach(Program(hook)));
    if (!link) return Failure(errno, "attach to the " + hook + " tracepoint");
    links_.emplace_back(hook, std::move(link));
    return Status::Ok();
  }

  [[nodiscard]] bool IsAttached(std::string_view hook) const {
    return std::any_of(links_.begin(), links_.end(),
                       [&](const auto& link) { return link.first == hook; });
  }

  // Runs that the kernel skipped because the program was already running on that CPU.
  uint64_t MissesOf(const std::string& hook) {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(ProgramFd(hook), &info, &size) != 0) return 0;
    return info.recursion_misses;
  }

  Misses MissesNow() {
    Misses now{.hooks = missed_alone_};
    for (const char* hook : kTaskHooks) now.hooks += MissesOf(hook);
    now.enters = MissedByAll("enter");
    now.exits = MissedByAll("exit");
    return now;
  }

  // Without copies every run that was skipped counts as a call lost, whosever it was. With them a
  // call is lost where all were skipped for it, which an exit without an enter shows: those are
  // counted. One whose exit was missed by all as well leaves no trace, and under a filter such an
  // exit looks like a denied call: as many as there may be of these count too. What is left is a
  // call that never returns: a blind spot, as long as one cannot be excluded.
  void CountMisses(const sysieve_group& group, const Misses& before, Observation* out) {
    const Misses now = MissesNow();
    const uint64_t enters = now.enters - before.enters;
    const uint64_t exits = now.exits - before.exits;
    uint64_t lost = group.lost_calls + group.missed_enters + now.hooks - before.hooks + links_gone_;
    lost += preemptible_ ? std::min(enters, exits) + AmongDenied(*out, enters) : enters + exits;
    if (preemptible_ && enters != 0) out->blind_spots.emplace_back("tracer-preempted");
    out->lost.calls = lost;
    if (denied_since_ns_ == 0 || (enters == 0 && exits == 0)) return;
    out->blind_spots.emplace_back("denied-uncertain");
    // Each may be a call whose enter was missed: none is better than one that is not true.
    if (enters == 0) return;
    out->denied.clear();
    std::erase_if(out->tuples, [](const Tuple& tuple) { return tuple.denied; });
    std::erase_if(out->tuple_losses, [](const TupleLoss& loss) { return loss.denied; });
  }

  // Of so many enters that all missed, those that may have been taken for denied calls.
  [[nodiscard]] uint64_t AmongDenied(const Observation& seen, uint64_t enters) const {
    if (!seen.filtered) return 0;
    if (!denied_from_start_) return enters;
    uint64_t denied = 0;
    for (const DeniedCall& call : seen.denied) denied += call.count;
    return std::min(enters, denied);
  }

  // At most so many runs were skipped of a program and of its copies alike, of any task on this
  // machine: whose they were the kernel does not say.
  uint64_t MissedByAll(const std::string& hook) {
    uint64_t misses = MissesOf(hook);
    for (int copy = 1; preemptible_ && copy < SYSIEVE_COPIES; copy++) {
      misses = std::min(misses, MissesOf(hook + std::to_string(copy)));
    }
    return misses;
  }

  // Whether programs at the syscall tracepoints may sleep, so that the kernel has no preemption
  // disabled around them.
  static bool MayPreempt() {
    const std::array<bpf_insn, 2> nothing = {
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        bpf_insn{.code = BPF_JMP | BPF_EXIT}};
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);
    const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "sysieve_probe", "GPL",
                                         nothing.data(), nothing.size(), &options));
    return static_cast<bool>(program);
  }

  // A tracked call of x86_64 carries a mark in its count, in each slot and on each CPU.
  Status ConfigureTracked(const Target& target) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return Status::Error(-cpus, "count CPUs");
    std::vector<uint64_t> marks(static_cast<size_t>(cpus) * SYSIEVE_NUMBERS);
    uint32_t ordinal = 0;
    for (const TrackedCall& call : target.tracked) {
      if (ordinal == SYSIEVE_TRACKED_CALLS) return Status::Error(E2BIG, "track arguments");
      if (call.number >= SYSIEVE_NUMBERS || call.abi == Abi::kX32 || call.indexes.empty() ||
          call.indexes.size() > SYSIEVE_ARGUMENTS || call.indexes.size() != call.masks.size()) {
        return Status::Error(EINVAL, "track arguments", std::to_string(call.number));
      }
      sysieve_tracked how{};
      how.arguments = static_cast<uint32_t>(call.indexes.size());
      how.memory = call.memory ? 1 : 0;
      how.ordinal = ordinal++;
      std::copy(call.indexes.begin(), call.indexes.end(), how.index);
      std::copy(call.masks.begin(), call.masks.end(), how.mask);
      const uint32_t at = call.number + (call.abi == Abi::kI386 ? SYSIEVE_NUMBERS : 0);
      if (bpf_map_update_elem(MapFd("tracked"), &at, &how, BPF_ANY) != 0) {
        return Status::Error(errno, "track arguments");
      }
      aggregates_.Track(call.abi, call.number, call.indexes.size());
      if (call.abi == Abi::kI386) continue;
      for (int cpu = 0; cpu < cpus; cpu++) {
        marks[static_cast<size_t>(cpu) * SYSIEVE_NUMBERS + call.number] = SYSIEVE_TRACKED;
      }
    }
    const uint32_t slots = target.tracked.empty() || grouped_ ? 0 : SYSIEVE_SLOTS;
    for (uint32_t slot = 0; slot < slots; slot++) {
      if (bpf_map_update_elem(MapFd("counts"), &slot, marks.data(), BPF_ANY) != 0) {
        return Status::Error(errno, "track arguments");
      }
    }
    return Status::Ok();
  }

  Status Configure(const Target& target) {
    if (Status s = ConfigureTracked(target); !s.ok()) return s;
    config_->exec_rule = target.exec_rule == ExecRule::kAny         ? EXEC_ANY
                         : target.exec_rule == ExecRule::kNamespace ? EXEC_NAMESPACE
                                                                    : EXEC_FILTER;
    config_->outer_mount_namespace = proc::Namespace(getpid(), "mnt");
    config_->watch_unfollowed = target.watch_unfollowed ? 1 : 0;
    if (Status s = AddCgroupNames(target); !s.ok()) return s;
    FollowNamespaces(target, 0);
    // A command or a process is followed by descent alone; what enters a container comes from
    // outside, and after a restart into namespaces that are not known yet.
    config_->follow_namespaces = !target.mount_namespaces.empty() ||
                                 !target.pid_namespaces.empty() || !target.cgroup_names.empty() ||
                                 grouped_;
    return Status::Ok();
  }

  void FollowNamespaces(const Target& target, uint32_t group) {
    sysieve_group& of = groups_.at(group);
    const auto follow = [&](uint32_t kind, const std::vector<uint32_t>& inodes) {
      for (const uint32_t inode : inodes) {
        const sysieve_namespace key = {.kind = kind, .inode = inode};
        const sysieve_namespace_owner owner = {.generation = of.generation, .group = group};
        if (bpf_map_update_elem(MapFd("namespaces"), &key, &owner, BPF_ANY) != 0) {
          of.lost_namespaces++;
        }
      }
    };
    follow(NAMESPACE_MOUNT, target.mount_namespaces);
    follow(NAMESPACE_PID, target.pid_namespaces);
  }

  void RemoveCgroupName(const std::string& text) {
    sysieve_name name{};
    if (text.size() >= sizeof(name.text)) return;
    memcpy(name.text, text.data(), text.size());
    bpf_map_delete_elem(MapFd("cgroup_names"), &name);
  }

  Status AddCgroupNames(const Target& target) {
    const uint32_t one = 1;
    for (const std::string& text : target.cgroup_names) {
      sysieve_name name{};
      if (text.empty() || text.size() >= sizeof(name.text)) {
        return Status::Error(ENAMETOOLONG, "configure cgroup names", text);
      }
      memcpy(name.text, text.data(), text.size());
      if (bpf_map_update_elem(MapFd("cgroup_names"), &name, &one, BPF_ANY) != 0) {
        return Status::Error(errno, "configure cgroup names", text);
      }
    }
    return Status::Ok();
  }

  // With the hooks armed, and each cgroup entered before what is below it is listed: one that is
  // made meanwhile is either listed or seen being made below a known one.
  Status EnterCgroups(const Target& target, uint32_t group) {
    const auto enter = [&](const CgroupId& id, const std::string& directory) {
      const sysieve_cgroup_key key = {.id = id.id, .hierarchy = id.hierarchy, .pad = 0};
      // One below a known one is entered by the programs too, as it is made.
      if (bpf_map_update_elem(MapFd("cgroups"), &key, &group, BPF_NOEXIST) == 0) {
        __atomic_fetch_add(&groups_.at(group).cgroups, 1, __ATOMIC_SEQ_CST);
      } else if (errno != EEXIST) {
        groups_.at(group).lost_cgroups++;
      }
      cgroup_directories_.push_back(directory);
    };
    for (const std::string& cgroup : target.cgroups) {
      size_t refused = 0;
      if (Status s = WalkCgroups(cgroup, enter, &refused); !s.ok()) return s;
      groups_.at(group).lost_cgroups += refused;
    }
    return Status::Ok();
  }

  // Enters all tasks of the target that run already. From the moment the hooks are armed the table
  // keeps itself true for every task in it; a child that an unknown parent forks during a pass is
  // found by the next one, so passes go on until one finds nothing. What /proc does not show to
  // this process is asked of the kernel; where that is refused too, it is a gap.
  Status Scan(const Target& target, uint32_t group, size_t* found) {
    *found = 0;
    if (target.pids.empty() && cgroup_directories_.empty() && target.mount_namespaces.empty() &&
        target.pid_namespaces.empty()) {
      return Status::Ok();
    }
    const std::unique_ptr<TaskSource> shown = ProcTasks();
    TaskSource* source = shown.get();
    bool kernel_asked = false;
    for (std::vector<Claim> claims;;) {
      // Before the tasks: one that is in neither list has ended, or a task of this pass made it.
      const std::set<int> members = Members();
      source->Forget();
      if (!source->Look()) return Status::Error(errno, "list the tasks");
      *found += Confirm(source, claims);
      claims = ClaimTasks(target, group, members, source, !kernel_asked);
      const TaskSource::Refusals refused = source->refused();
      if (kernel_asked || !refused.any()) {
        NoteGaps(group, refused);
        if (claims.empty()) return Status::Ok();
        continue;
      }
      // By the source that knew them: each has start times of its own.
      *found += Confirm(source, claims);
      claims.clear();
      kernel_asked = true;
      if (!kernel_tasks_) kernel_tasks_ = KernelTasks();
      if (kernel_tasks_) source = kernel_tasks_.get();
    }
  }

  struct Claim {
    int pid;
    int tid;
    uint16_t slot;
    uint64_t start_time;
  };

  std::set<int> Members() const {
    std::vector<int> listed;
    for (const std::string& directory : cgroup_directories_) {
      proc::ReadPids(directory + "/cgroup.procs", &listed);
      // Threads of one process may be spread over v1 cgroups, and over threaded ones of v2.
      proc::ReadPids(directory + "/tasks", &listed);
      proc::ReadPids(directory + "/cgroup.threads", &listed);
    }
    std::set<int> members(listed.begin(), listed.end());
    for (const int tid : proc::Threads(getpid())) members.erase(tid);
    return members;
  }

  // All of the target's that are not in the table yet. With `whole` it ends where something is not
  // told, and leaves the rest to a source that tells it.
  std::vector<Claim> ClaimTasks(const Target& target, uint32_t group, const std::set<int>& members,
                                TaskSource* source, bool whole) {
    const auto listed = [](const std::vector<uint32_t>& list, uint32_t ns) {
      return std::find(list.begin(), list.end(), ns) != list.end();
    };
    const auto in_namespace = [&](const std::vector<uint32_t>& list, int pid, const char* kind) {
      return !list.empty() && listed(list, source->Namespace(pid, kind));
    };
    std::vector<Claim> claims;
    const auto claim = [&](int pid, int tid) {
      const auto state = source->State(pid, tid);
      if (!state || state->exiting) return;
      const uint16_t slot = FoundSlot(target, group, source, pid, tid);
      if (whole && source->refused().any()) return;
      const TaskTable::Claimed claimed = tasks_.Claim(tid, slot);
      if (claimed == TaskTable::Claimed::kNoRoom) {
        __atomic_fetch_add(&groups_.at(group).lost_tasks, 1U, __ATOMIC_RELAXED);
      }
      if (claimed == TaskTable::Claimed::kNew) {
        claims.push_back({pid, tid, slot, state->start_time});
      }
    };
    const std::vector<int> processes = source->Processes();
    const std::set<int> descendants =
        proc::Descendants(processes, target.pids, [&](int pid) { return source->Parent(pid); });
    for (const int pid : processes) {
      if (pid == getpid()) continue;
      const bool matches = members.contains(pid) || descendants.contains(pid) ||
                           in_namespace(target.mount_namespaces, pid, "mnt") ||
                           in_namespace(target.pid_namespaces, pid, "pid");
      if (!matches) continue;
      for (const int tid : source->Threads(pid)) claim(pid, tid);
    }
    for (const int tid : members) {
      if (!std::binary_search(processes.begin(), processes.end(), tid)) claim(tid, tid);
    }
    return claims;
  }

  // Of those claimed in the pass before, how many live. One that had ended by then is told of no
  // more, and would stay for ever. Where its id is another's by now, the hooks have seen to that.
  size_t Confirm(TaskSource* source, const std::vector<Claim>& claims) {
    size_t confirmed = 0;
    for (const Claim& claim : claims) {
      const auto now = source->State(claim.pid, claim.tid);
      if (now && now->start_time != claim.start_time) continue;
      if (now && !now->exiting) {
        confirmed++;
      } else {
        tasks_.Release(claim.tid, claim.slot);
      }
    }
    return confirmed;
  }

  void NoteGaps(uint32_t group, const TaskSource::Refusals& refused) {
    if (refused.executables) gaps_[group] |= kExecutablesUnreadable;
    if (refused.tasks) gaps_[group] |= kTasksHidden;
  }

  uint16_t FoundSlot(const Target& target, uint32_t group, TaskSource* source, int pid, int tid) {
    if (target.found_unstarted) {
      return SlotIn(group, source->IsFiltered(pid, tid) ? SLOT_RUNTIME : SLOT_SETUP);
    }
    return IsEntering(target, source, pid, tid) ? SlotIn(group, SLOT_EXEC_SETUP)
                                                : SlotFor(group, source->ExecutablePath(pid));
  }

  // Found in the container and not the application: a runtime that is about to execute something
  // (docker exec, a probe) and is not under the filter, or not in the container's root, yet.
  bool IsEntering(const Target& target, TaskSource* source, int pid, int tid) const {
    if (target.exec_rule == ExecRule::kFilter) return !source->IsFiltered(pid, tid);
    return target.exec_rule == ExecRule::kNamespace && !target.mount_namespaces.empty() &&
           source->Namespace(pid, "mnt") == config_->outer_mount_namespace;
  }

  static uint16_t SlotIn(uint32_t group, uint32_t local) {
    return static_cast<uint16_t>(group << SYSIEVE_SLOT_BITS | local);
  }

  // The twin of slot_for in the BPF object, for executables that run already.
  uint16_t SlotFor(uint32_t group, const std::string& executable) {
    sysieve_group& of = groups_.at(group);
    const uint16_t unknown = SlotIn(group, SLOT_UNKNOWN);
    if (executable.empty()) return unknown;
    sysieve_path path{.group = group};
    if (executable.size() >= sizeof(path.text)) of.truncated_paths++;
    memcpy(path.text, executable.data(), std::min(executable.size(), sizeof(path.text) - 1));
    uint32_t slot = 0;
    const int by_path = MapFd("slot_by_path");
    if (bpf_map_lookup_elem(by_path, &path, &slot) == 0) return static_cast<uint16_t>(slot);
    const uint32_t local = __atomic_fetch_add(&of.next_slot, 1U, __ATOMIC_SEQ_CST);
    if (local >= SYSIEVE_SLOTS) {
      __atomic_fetch_add(&of.lost_executables, 1U, __ATOMIC_RELAXED);
      return unknown;
    }
    slot = SlotIn(group, local);
    if (bpf_map_update_elem(by_path, &path, &slot, BPF_NOEXIST) != 0 &&
        bpf_map_lookup_elem(by_path, &path, &slot) != 0) {
      return unknown;
    }
    return static_cast<uint16_t>(slot);
  }

  [[nodiscard]] double SinceStart(uint64_t ns) const {
    return ns > start_ns_ ? Ms(ns - start_ns_) : 0;
  }

  Status ReadCounts(uint32_t slots, Observation* out) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return Status::Error(-cpus, "count CPUs");
    std::vector<uint64_t> buffer(static_cast<size_t>(cpus) * SYSIEVE_NUMBERS);
    std::vector<uint32_t> first(SYSIEVE_NUMBERS);
    for (uint32_t slot = 0; slot < slots; slot++) {
      if (bpf_map_lookup_elem(MapFd("counts"), &slot, buffer.data()) != 0) {
        return Status::Error(errno, "read the counts");
      }
      if (bpf_map_lookup_elem(MapFd("first_seen"), &slot, first.data()) != 0) {
        return Status::Error(errno, "read first-seen times");
      }
      for (uint32_t number = 0; number < SYSIEVE_NUMBERS; number++) {
        uint64_t sum = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
          sum += buffer[static_cast<size_t>(cpu) * SYSIEVE_NUMBERS + number] & ~SYSIEVE_TRACKED;
        }
        if (sum == 0) continue;
        // Zero where the count was read between the two writes of a first call: it is new now.
        const double ms = first[number] != 0 ? first[number] - 1 : out->elapsed_ms;
        out->calls.push_back({slot, Abi::kX86_64, number, sum, ms});
      }
    }
    return Status::Ok();
  }

  bool typed_ = true;
  bool grouped_ = false;
  bool preemptible_ = false;
  std::string suffix_;
  Object object_;
  std::vector<Mapping> mappings_;
  sysieve_config* config_ = nullptr;
  sysieve_counters* counters_ = nullptr;
  TaskTable tasks_;
  GroupTable groups_;
  Aggregates aggregates_;
  std::unique_ptr<TaskSource> kernel_tasks_;  // once it was needed
  std::map<uint32_t, uint32_t> gaps_;         // by group: those of enum Gap
  std::map<uint32_t, Misses> misses_before_;  // by group, as it was first seen
  Misses misses_last_;
  std::vector<std::string> cgroup_directories_;
  std::vector<std::string> followed_names_;
  std::vector<std::pair<std::string, Link>> links_;
  uint64_t start_ns_ = 0;
  uint64_t end_ns_ = 0;
  uint64_t denied_since_ns_ = 0;
  bool denied_from_start_ = false;
  uint64_t missed_alone_ = 0;  // before the copies were there
  uint64_t layout_ = 0;
  // Of a session that another process pinned; see pinned.h.
  std::string pinned_;
  std::map<std::string, UniqueFd> pinned_programs_;
  uint64_t links_gone_ = 0;
  UniqueFd state_;
  UniqueFd lock_;
};

EbpfTracer::EbpfTracer(Programs programs) : programs_(programs) {}
EbpfTracer::~EbpfTracer() = default;

void EbpfTracer::Prepare() {
  prepared_ = std::async(std::launch::async, [typed = programs_ != Programs::kRaw] {
    auto impl = std::make_unique<Impl>();
    Status status = impl->Load(typed, false);
    return Loaded{std::move(status), std::move(impl)};
  });
}

EbpfTracer::Loaded EbpfTracer::Load(bool typed, bool grouped) {
  if (!grouped && prepared_.valid() && typed == (programs_ != Programs::kRaw))
    return prepared_.get();
  auto impl = std::make_unique<Impl>();
  Status status = impl->Load(typed, grouped);
  return {std::move(status), std::move(impl)};
}

Status EbpfTracer::Start(const Target& target, size_t* tasks) {
  Status status = Status::Error(EINVAL, "load the BPF programs");
  for (const bool typed : {true, false}) {
    if ((typed && programs_ == Programs::kRaw) || (!typed && programs_ == Programs::kTyped)) {
      continue;
    }
    Loaded loaded = Load(typed, target.grouped);
    impl_ = std::move(loaded.impl);
    status = std::move(loaded.status);
    if (status.ok()) status = impl_->Arm(target, tasks);
    if (status.ok()) {
      if (target.denied) impl_->DeniedFromStart();
      return status;
    }
    impl_.reset();
    // No privilege, no target and an unfit kernel are no better with the other programs.
    if (status.code == EOPNOTSUPP || status.code == EPERM || status.code == ESRCH ||
        status.code == ENOENT)
      break;
  }
  return status;
}

Status EbpfTracer::Pin(const std::string& directory) {
  return impl_ ? impl_->Pin(directory) : Status::Error(EINVAL, "pin the session");
}

Status EbpfTracer::OpenPinned(const std::string& directory, bool exclusive) {
  impl_ = std::make_unique<Impl>();
  Status status = impl_->OpenPinned(directory, exclusive);
  if (!status.ok()) impl_.reset();
  return status;
}

KernelMemory EbpfTracer::Memory() { return impl_ ? impl_->Memory() : KernelMemory(); }

Status EbpfTracer::WatchDenied() {
  return impl_ ? impl_->WatchDenied() : Status::Error(EINVAL, "watch denied calls");
}

Status EbpfTracer::Read(Observation* out) {
  return impl_ ? impl_->Read(out) : Status::Error(EINVAL, "read the recording");
}

Status EbpfTracer::Follow(const Target& more, size_t* tasks, Followed* followed) {
  return impl_ ? impl_->Follow(more, tasks, followed)
               : Status::Error(EINVAL, "follow another cgroup");
}

void EbpfTracer::Detach() {
  if (impl_) impl_->Detach();
}

Status EbpfTracer::ListGroups(Groups* out) {
  return impl_ ? impl_->ListGroups(out) : Status::Error(EINVAL, "list the groups");
}

Status EbpfTracer::Adopt(const std::string& id, const Target& target, size_t* tasks) {
  return impl_ ? impl_->Adopt(id, target, tasks) : Status::Error(EINVAL, "take a group");
}

Status EbpfTracer::TakeGroups(const std::vector<uint32_t>& groups, std::vector<Observation>* out) {
  return impl_ ? impl_->TakeGroups(groups, out) : Status::Error(EINVAL, "read a group");
}

Status EbpfTracer::IgnoreGroup(uint32_t group) {
  if (!impl_) return Status::Error(EINVAL, "ignore a group");
  impl_->groups().Ignore(group);
  return Status::Ok();
}

Status EbpfTracer::RefuseId(const std::string& id) {
  return impl_ ? impl_->groups().Refuse(id) : Status::Error(EINVAL, "refuse a container");
}

Status EbpfTracer::ForgetId(const std::string& id) {
  if (!impl_) return Status::Error(EINVAL, "forget a container");
  impl_->groups().Forget(id);
  return Status::Ok();
}

}  // namespace sysieve
