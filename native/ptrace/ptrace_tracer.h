// The tracer without privileges: is told of every call of a task by ptrace.
#ifndef SYSIEVE_PTRACE_PTRACE_TRACER_H_
#define SYSIEVE_PTRACE_PTRACE_TRACER_H_

#include <memory>

#include "core/tracer.h"

namespace sysieve {

class PtraceTracer : public Tracer {
 public:
  PtraceTracer();
  ~PtraceTracer() override;

  Status Start(const Target& target, size_t* tasks) override;
  // Does nothing: a denied call looks like one that failed, which the recording declares.
  Status WatchDenied() override;
  Status Read(Observation* out) override;
  // Takes at most 7 s: a tracer that does not end within 5 s is killed, which the recording
  // declares.
  void Detach() override;

 private:
  class Impl;
  void Release();
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysieve

#endif  // SYSIEVE_PTRACE_PTRACE_TRACER_H_
