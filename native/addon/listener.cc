#include "addon/listener.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "addon/error.h"
#include "notify/inbox.h"

namespace sysieve {
namespace {

// Two ends of a seqpacket socket; the caller owns both.
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    Throw(env, Status::Error(errno, "make a pair of sockets"));
    return env.Undefined();
  }
  Napi::Array out = Napi::Array::New(env, ends.size());
  for (uint32_t i = 0; i < ends.size(); i++) out.Set(i, ends[i]);
  return out;
}

class Inbox : public Napi::ObjectWrap<Inbox> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "Inbox",
        {InstanceMethod<&Inbox::Poll>("poll"), InstanceMethod<&Inbox::Close>("close")});
  }

  explicit Inbox(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Inbox>(info) {
    if (!info[0].IsString()) {
      Napi::TypeError::New(info.Env(), "a path expected").ThrowAsJavaScriptException();
      return;
    }
    const Status status = notify::Inbox::Open(info[0].As<Napi::String>().Utf8Value(), &inbox_);
    if (!status.ok()) Throw(info.Env(), status);
  }

 private:
  // The descriptors are the caller's from here on.
  Napi::Value Poll(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    std::vector<notify::Delivery> deliveries;
    if (const Status status = inbox_.Poll(&deliveries); !status.ok()) {
      Throw(env, status);
      return env.Undefined();
    }
    Napi::Array out = Napi::Array::New(env, deliveries.size());
    for (uint32_t i = 0; i < deliveries.size(); i++) {
      notify::Delivery& delivery = deliveries[i];
      Napi::Object item = Napi::Object::New(env);
      item.Set("message",
               Napi::Buffer<char>::Copy(env, delivery.message.data(), delivery.message.size()));
      item.Set("pid", delivery.pid);
      item.Set("problem", delivery.problem.empty()
                              ? env.Null()
                              : Napi::Value(Napi::String::New(env, delivery.problem)));
      Napi::Array descriptors = Napi::Array::New(env, delivery.descriptors.size());
      for (uint32_t j = 0; j < delivery.descriptors.size(); j++) {
        descriptors.Set(j, delivery.descriptors[j].Release());
      }
      item.Set("descriptors", descriptors);
      out.Set(i, item);
    }
    return out;
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    inbox_.Close();
    return info.Env().Undefined();
  }

  notify::Inbox inbox_;
};

}  // namespace

void DefineListener(Napi::Env env, Napi::Object exports) {
  exports.Set("socketPair", Napi::Function::New(env, SocketPair, "socketPair"));
  exports.Set("Inbox", Inbox::Define(env));
}

}  // namespace sysieve
