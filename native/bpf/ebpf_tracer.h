// The default tracer: counts calls in kernel maps through the syscall tracepoints.
#ifndef SYSIEVE_BPF_EBPF_TRACER_H_
#define SYSIEVE_BPF_EBPF_TRACER_H_

#include <future>
#include <memory>
#include <string>

#include "bpf/pinned.h"
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
  Status Follow(const Target& more, size_t* tasks, Followed* followed) override;
  void Detach() override;
  Status ListGroups(Groups* out) override;
  Status Adopt(const std::string& id, const Target& target, size_t* tasks) override;
  Status TakeGroups(const std::vector<uint32_t>& groups, std::vector<Observation>* out) override;
  Status IgnoreGroup(uint32_t group) override;
  Status RefuseId(const std::string& id) override;
  Status ForgetId(const std::string& id) override;

  // Begins to load the programs on a thread of its own; Start waits for it. At most once.
  void Prepare();
  // Pins all that Start made in a directory of bpffs, made for it: it counts on without a process.
  Status Pin(const std::string& directory);
  // Instead of Start: what was pinned there. EPROTO: by a sysieve with other maps; EBUSY: it is
  // being pinned or has been opened `exclusive`. Detach removes the links from the directory, no
  // more.
  Status OpenPinned(const std::string& directory, bool exclusive);
  KernelMemory Memory();

 private:
  class Impl;
  struct Loaded {
    Status status;
    std::unique_ptr<Impl> impl;
  };
  Loaded Load(bool typed, bool grouped);

  Programs programs_;
  std::future<Loaded> prepared_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sysieve

#endif  // SYSIEVE_BPF_EBPF_TRACER_H_
