// The addon's entry. This folder is the only one that includes napi.h.
#include <napi.h>

#include "addon/filter.h"
#include "addon/listener.h"
#include "addon/session.h"

namespace sysieve {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("Programs", Programs::Define(env));
  exports.Set("Session", Session::Define(env));
  DefineFilter(env, exports);
  DefineListener(env, exports);
  return exports;
}

}  // namespace sysieve

using sysieve::Init;
NODE_API_MODULE(sysieve, Init)
