// The addon's entry. Together with session.* the only code that includes napi.h.
#include <napi.h>

#include "addon/session.h"

namespace sysieve {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("Session", Session::Define(env));
  return exports;
}

}  // namespace sysieve

using sysieve::Init;
NODE_API_MODULE(sysieve, Init)
