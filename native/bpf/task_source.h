// Where a scan reads the tasks that run already: /proc, or the kernel's own list of them.
#ifndef SYSIEVE_BPF_TASK_SOURCE_H_
#define SYSIEVE_BPF_TASK_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/proc.h"

namespace sysieve {

// Of each function what the one of the same name in core/proc.h says.
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // Before a pass: what is told from then on is of this moment, or later. False: nothing can be.
  virtual bool Look() = 0;
  virtual std::vector<int> Processes() = 0;
  virtual std::vector<int> Threads(int pid) = 0;
  virtual int Parent(int pid) = 0;
  virtual uint32_t Namespace(int pid, const char* kind) = 0;
  virtual std::string ExecutablePath(int pid) = 0;
  virtual std::optional<proc::TaskState> State(int pid, int tid) = 0;
  virtual bool IsFiltered(int pid, int tid) = 0;

  // What was asked and could not be told, since the last call of Forget.
  struct Refusals {
    bool executables = false;  // which program a task runs
    bool tasks = false;        // whether a task is the target's, or that it is there
    [[nodiscard]] bool any() const { return executables || tasks; }
  };
  [[nodiscard]] const Refusals& refused() const { return refused_; }
  void Forget() { refused_ = {}; }

 protected:
  Refusals refused_;
};

// /proc shows a process to its user, and to who has CAP_SYS_PTRACE.
std::unique_ptr<TaskSource> ProcTasks();

// By an iterator of BPF, which takes the rights that the tracer's programs take and no other. Null
// where the kernel refuses it.
std::unique_ptr<TaskSource> KernelTasks();

}  // namespace sysieve

#endif  // SYSIEVE_BPF_TASK_SOURCE_H_
