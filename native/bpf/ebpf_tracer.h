// The default tracer: counts calls in kernel maps through the syscall tracepoints.
#ifndef SYSIEVE_BPF_EBPF_TRACER_H_
#define SYSIEVE_BPF_EBPF_TRACER_H_

#include <memory>

#include "core/tracer.h"

namespace sysieve {

class EbpfTracer : public Tracer {
 public:
  // kTyped: tp_btf. kRaw: raw tracepoints, for kernels that refuse the first. kAuto tries in order.
  enum class Programs { kAuto, kTyped, kRaw };

  explicit EbpfTracer(Programs programs = Programs::kAuto);
  ~EbpfTracer() override;

  Status Start(const Target& target, size_t* tasks) override;
  Status WatchDenied() override;
  Status Read(Observation* out) override;
  Status Follow(const Target& more, size_t* tasks) override;
  void Detach() override;

 private:
  class Impl;
  Programs programs_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_EBPF_TRACER_H_
