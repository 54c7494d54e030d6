#include "addon/error.h"

#include <cstring>
#include <string>

#include "addon/errno_name.h"

namespace sysieve {

void Throw(Napi::Env env, const Status& status) {
  std::string message = "cannot " + status.operation + ": " + strerror(status.code);
  if (!status.detail.empty()) message += " (" + status.detail + ")";
  const Napi::Error error = Napi::Error::New(env, message);
  const char* name = ErrnoName(status.code);
  error.Set("code", Napi::String::New(env, name != nullptr ? name : "EIO"));
  error.Set("operation", Napi::String::New(env, status.operation));
  error.Set("detail", Napi::String::New(env, status.detail));
  error.ThrowAsJavaScriptException();
}

}  // namespace sysieve
