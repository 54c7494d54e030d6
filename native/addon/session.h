// One recording, as JavaScript holds it.
#ifndef SYSIEVE_ADDON_SESSION_H_
#define SYSIEVE_ADDON_SESSION_H_

#include <napi.h>

#include <memory>

#include "core/tracer.h"

namespace sysieve {

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

  // Throws and answers false where Start has not run or Stop has.
  bool Running(Napi::Env env) const;

  Target target_;
  std::unique_ptr<Tracer> tracer_;
};

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_SESSION_H_
