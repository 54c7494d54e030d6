// One recording, as JavaScript holds it.
#ifndef SYSIEVE_ADDON_SESSION_H_
#define SYSIEVE_ADDON_SESSION_H_

#include <napi.h>

#include <memory>
#include <string>

#include "bpf/ebpf_tracer.h"
#include "core/tracer.h"

namespace sysieve {

// The eBPF tracer's programs, being loaded on a thread of their own; a Session takes them.
class Programs : public Napi::ObjectWrap<Programs> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Programs(const Napi::CallbackInfo& info);
  std::unique_ptr<EbpfTracer> Take() { return std::move(tracer_); }

 private:
  std::unique_ptr<EbpfTracer> tracer_;
};

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Session(const Napi::CallbackInfo& info);

 private:
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value WatchDenied(const Napi::CallbackInfo& info);
  Napi::Value Follow(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Detach(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value Pin(const Napi::CallbackInfo& info);
  Napi::Value Memory(const Napi::CallbackInfo& info);
  Napi::Value ListGroups(const Napi::CallbackInfo& info);
  Napi::Value Adopt(const Napi::CallbackInfo& info);
  Napi::Value TakeGroups(const Napi::CallbackInfo& info);
  Napi::Value IgnoreGroup(const Napi::CallbackInfo& info);
  Napi::Value RefuseId(const Napi::CallbackInfo& info);
  Napi::Value ForgetId(const Napi::CallbackInfo& info);

  std::unique_ptr<Tracer> MakeTracer(const Napi::Object& options);
  // Throws and answers false where Start has not run or Stop has.
  bool Running(Napi::Env env) const;

  Target target_;
  std::unique_ptr<Tracer> tracer_;
  EbpfTracer* ebpf_ = nullptr;  // the same, where it is that
  std::string pinned_;          // open what is there instead of starting
  bool exclusive_ = false;
};

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_SESSION_H_
