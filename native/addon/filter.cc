#include "addon/filter.h"

#include <climits>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "addon/error.h"
#include "filter/dump.h"
#include "filter/program.h"

namespace sysieve {
namespace {

// The bytes stay where JavaScript keeps them: nothing here runs JavaScript before they are read.
bool IsBytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

Napi::Value RunFilter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsBytes(info[0]) || !IsBytes(info[1])) {
    Napi::TypeError::New(env, "two buffers expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto calls = info[1].As<Napi::Uint8Array>();
  filter::Program program;
  if (const Status status = filter::Program::Load(bytes.Data(), bytes.ByteLength(), &program);
      !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  if (calls.ByteLength() % sizeof(seccomp_data) != 0) {
    Throw(env, Status::Error(EINVAL, "run the filter",
                             std::to_string(calls.ByteLength()) +
                                 " bytes are no whole number of 64-byte calls"));
    return env.Undefined();
  }
  const size_t count = calls.ByteLength() / sizeof(seccomp_data);
  Napi::Uint32Array answers = Napi::Uint32Array::New(env, count);
  if (answers.IsEmpty()) return env.Undefined();  // out of memory: already thrown
  uint32_t* const out = answers.Data();
  for (size_t i = 0; i < count; i++) {
    seccomp_data call;
    memcpy(&call, calls.Data() + i * sizeof(call), sizeof(call));
    out[i] = program.Run(call);
  }
  return answers;
}

Napi::Value DumpFilters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "a process id expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  // What is no process id becomes 0, which names no process.
  const double number = info[0].As<Napi::Number>().DoubleValue();
  const bool whole = number >= 1 && number <= INT_MAX && number == std::floor(number);
  std::vector<filter::ProgramBytes> programs;
  if (const Status status = filter::Dump(whole ? static_cast<int>(number) : 0, &programs);
      !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Array out = Napi::Array::New(env, programs.size());
  for (uint32_t i = 0; i < programs.size(); i++) {
    out.Set(i, Napi::Buffer<uint8_t>::Copy(env, programs[i].data(), programs[i].size()));
  }
  return out;
}

}  // namespace

void DefineFilter(Napi::Env env, Napi::Object exports) {
  exports.Set("runFilter", Napi::Function::New(env, RunFilter, "runFilter"));
  exports.Set("dumpFilters", Napi::Function::New(env, DumpFilters, "dumpFilters"));
}

}  // namespace sysieve
