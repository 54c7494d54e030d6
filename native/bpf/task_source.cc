#include "bpf/task_source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>

#include "bpf/object.h"
#include "bpf/shared.h"
#include "core/fd.h"

namespace sysieve {
namespace {

class FromProc : public TaskSource {
 public:
  bool Look() override {
    if (proc::HidesProcesses()) refused_.tasks = true;
    return true;
  }
  std::vector<int> Processes() override { return proc::Processes(); }
  std::vector<int> Threads(int pid) override { return proc::Threads(pid); }
  int Parent(int pid) override { return proc::Parent(pid); }
  uint32_t Namespace(int pid, const char* kind) override {
    return proc::Namespace(pid, kind, &refused_.tasks);
  }
  std::string ExecutablePath(int pid) override {
    return proc::ExecutablePath(pid, &refused_.executables);
  }
  std::optional<proc::TaskState> State(int pid, int tid) override { return proc::State(pid, tid); }
  bool IsFiltered(int pid, int tid) override { return proc::IsFiltered(pid, tid); }
};

struct ObjectDeleter {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct LinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

constexpr auto kProgram = "list_tasks";
constexpr size_t kChunk = 65536;

class FromKernel : public TaskSource {
 public:
  bool Open() {
    const std::span<const char> image = BpfObject();
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "sysieve_tasks");
    object_.reset(bpf_object__open_mem(image.data(), image.size(), &options));
    if (!object_) return false;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      bpf_program__set_autoload(program, std::string_view(bpf_program__name(program)) == kProgram);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) bpf_map__set_autocreate(map, false);
    if (bpf_object__load(object_.get()) != 0) return false;
    program = bpf_object__find_program_by_name(object_.get(), kProgram);
    link_.reset(bpf_program__attach_iter(program, nullptr));
    return link_ && Look();
  }

  bool Look() override {
    std::string text;
    if (!Read(&text)) return false;
    tasks_.clear();
    threads_.clear();
    size_t at = 0;
    sysieve_listed listed{};
    while (Take(text, &at, &listed)) {
      Listed& task = tasks_[static_cast<int>(listed.tid)];
      task.about = listed;
      threads_[static_cast<int>(listed.tgid)].push_back(static_cast<int>(listed.tid));
      if ((listed.flags & LISTED_PATH) != 0) task.executable = TakePath(text, &at, &task.unread);
      if ((listed.flags & LISTED_DELETED) != 0 && !task.executable.empty()) {
        task.executable += " (deleted)";  // As /proc has it.
      }
    }
    return !tasks_.empty();
  }

  std::vector<int> Processes() override {
    std::vector<int> out;
    for (const auto& [pid, threads] : threads_) out.push_back(pid);
    return out;
  }

  std::vector<int> Threads(int pid) override {
    const auto found = threads_.find(pid);
    return found == threads_.end() ? std::vector<int>() : found->second;
  }

  int Parent(int pid) override {
    const Listed* task = Find(pid);
    return task != nullptr ? static_cast<int>(task->about.parent) : 0;
  }

  uint32_t Namespace(int pid, const char* kind) override {
    const Listed* task = Find(pid);
    if (task == nullptr) return 0;
    return std::string_view(kind) == "pid" ? task->about.pid_namespace
                                           : task->about.mount_namespace;
  }

  std::string ExecutablePath(int pid) override {
    const Listed* task = Find(pid);
    if (task != nullptr) task = Find(static_cast<int>(task->about.tgid));
    if (task == nullptr) return "";
    if (task->unread) refused_.executables = true;
    return task->executable;
  }

  std::optional<proc::TaskState> State(int /*pid*/, int tid) override {
    const Listed* task = Find(tid);
    if (task == nullptr) return std::nullopt;
    return proc::TaskState{task->about.start_ns, (task->about.flags & LISTED_EXITING) != 0};
  }

  bool IsFiltered(int /*pid*/, int tid) override {
    const Listed* task = Find(tid);
    return task != nullptr && (task->about.flags & LISTED_FILTERED) != 0;
  }

 private:
  struct Listed {
    sysieve_listed about{};
    std::string executable;
    bool unread = false;
  };

  const Listed* Find(int tid) const {
    const auto found = tasks_.find(tid);
    return found == tasks_.end() ? nullptr : &found->second;
  }

  bool Read(std::string* out) {
    const UniqueFd fd(bpf_iter_create(bpf_link__fd(link_.get())));
    if (!fd) return false;
    std::vector<char> chunk(kChunk);
    for (;;) {
      const ssize_t length = read(fd.get(), chunk.data(), chunk.size());
      if (length == 0) return true;
      if (length > 0) {
        out->append(chunk.data(), static_cast<size_t>(length));
      } else if (errno != EINTR && errno != EAGAIN) {
        return false;
      }
    }
  }

  template <typename T>
  static bool Take(const std::string& text, size_t* at, T* out) {
    if (text.size() - *at < sizeof(T)) return false;
    memcpy(out, text.data() + *at, sizeof(T));
    *at += sizeof(T);
    return true;
  }

  static std::string TakePath(const std::string& text, size_t* at, bool* lost) {
    std::string path;
    sysieve_part part{};
    while (Take(text, at, &part) && part.kind == PART_NAME) {
      path.insert(0, "/" + std::string(part.text, strnlen(part.text, sizeof(part.text))));
    }
    if (part.kind == PART_END) return path;
    *lost = true;
    return "";
  }

  std::unique_ptr<bpf_object, ObjectDeleter> object_;
  std::unique_ptr<bpf_link, LinkDeleter> link_;
  std::map<int, Listed> tasks_;
  std::map<int, std::vector<int>> threads_;  // by process
};

}  // namespace

std::unique_ptr<TaskSource> ProcTasks() { return std::make_unique<FromProc>(); }

std::unique_ptr<TaskSource> KernelTasks() {
  auto source = std::make_unique<FromKernel>();
  if (!source->Open()) return nullptr;
  return source;
}

}  // namespace sysieve
