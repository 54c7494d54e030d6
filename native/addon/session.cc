#include "addon/session.h"

#include <fcntl.h>

#include <string>
#include <type_traits>
#include <vector>

#include "addon/error.h"
#include "bpf/ebpf_tracer.h"
#include "core/fd.h"
#include "notify/notify_tracer.h"
#include "ptrace/ptrace_tracer.h"

namespace sysieve {
namespace {

template <typename T>
std::vector<T> List(const Napi::Object& options, const char* name) {
  std::vector<T> out;
  const Napi::Value value = options.Get(name);
  if (!value.IsArray()) return out;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value item = array.Get(i);
    if constexpr (std::is_same_v<T, std::string>) {
      out.push_back(item.ToString().Utf8Value());
    } else if constexpr (std::is_same_v<T, int>) {
      out.push_back(item.ToNumber().Int32Value());
    } else {
      out.push_back(item.ToNumber().Uint32Value());
    }
  }
  return out;
}

std::vector<TrackedCall> Tracked(const Napi::Object& options) {
  std::vector<TrackedCall> out;
  const Napi::Value value = options.Get("tracked");
  if (!value.IsArray()) return out;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const auto item = array.Get(i).As<Napi::Object>();
    TrackedCall call;
    call.abi = item.Get("abi").ToString().Utf8Value() == "i386" ? Abi::kI386 : Abi::kX86_64;
    call.number = item.Get("number").ToNumber().Uint32Value();
    call.memory = item.Get("memory").ToBoolean().Value();
    const auto args = item.Get("args").As<Napi::Array>();
    for (uint32_t j = 0; j < args.Length(); j++) {
      const auto arg = args.Get(j).As<Napi::Object>();
      bool lossless = false;
      call.indexes.push_back(arg.Get("index").ToNumber().Uint32Value());
      call.masks.push_back(arg.Get("mask").As<Napi::BigInt>().Uint64Value(&lossless));
    }
    out.push_back(std::move(call));
  }
  return out;
}

ExecRule Rule(const Napi::Object& options) {
  const std::string rule = options.Get("execRule").ToString().Utf8Value();
  return rule == "filter"      ? ExecRule::kFilter
         : rule == "namespace" ? ExecRule::kNamespace
                               : ExecRule::kAny;
}

std::string Text(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

// A copy: JavaScript keeps the descriptor it gave.
UniqueFd Descriptor(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (!value.IsNumber()) return UniqueFd();
  return UniqueFd(fcntl(value.As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 0));
}

std::unique_ptr<Tracer> MakeNotifyTracer(const Napi::Object& options) {
  NotifyTracer::Source source;
  source.channel = Descriptor(options, "channel");
  source.listener = Descriptor(options, "listener");
  source.partial = options.Get("partial").ToBoolean().Value();
  source.container = static_cast<bool>(source.listener);
  return std::make_unique<NotifyTracer>(std::move(source));
}

EbpfTracer::Programs KindOf(const std::string& programs) {
  return programs == "raw"     ? EbpfTracer::Programs::kRaw
         : programs == "typed" ? EbpfTracer::Programs::kTyped
                               : EbpfTracer::Programs::kAuto;
}

const char* Name(Phase phase) {
  switch (phase) {
    case Phase::kSetup:
      return "setup";
    case Phase::kRuntime:
      return "runtime";
    case Phase::kExecSetup:
      return "exec-setup";
    case Phase::kExec:
      return "exec";
    case Phase::kApplication:
      return "app";
  }
  return "app";
}

const char* Name(Abi abi) {
  switch (abi) {
    case Abi::kI386:
      return "i386";
    case Abi::kX32:
      return "x32";
    case Abi::kX86_64:
      return "x86_64";
  }
  return "x86_64";
}

Napi::Object ToJs(Napi::Env env, const Call& call) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("slot", call.slot);
  out.Set("abi", Name(call.abi));
  out.Set("number", call.number);
  out.Set("count", Napi::BigInt::New(env, call.count));
  out.Set("firstSeenMs", call.first_seen_ms);
  return out;
}

Napi::Object ToJs(Napi::Env env, const DeniedCall& call) {
  Napi::Object out = ToJs(env, static_cast<const Call&>(call));
  out.Set("errno", call.error);
  return out;
}

Napi::Object ToJs(Napi::Env env, const Tuple& tuple) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("phase", Name(tuple.phase));
  out.Set("abi", Name(tuple.abi));
  out.Set("number", tuple.number);
  out.Set("denied", tuple.denied);
  Napi::Array values = Napi::Array::New(env, tuple.values.size());
  for (uint32_t i = 0; i < tuple.values.size(); i++) {
    values.Set(i, Napi::BigInt::New(env, tuple.values[i]));
  }
  out.Set("values", values);
  Napi::Array slots = Napi::Array::New(env, tuple.slots.size());
  for (uint32_t i = 0; i < tuple.slots.size(); i++) slots.Set(i, tuple.slots[i]);
  out.Set("slots", slots);
  out.Set("count", Napi::BigInt::New(env, tuple.count));
  return out;
}

Napi::Object ToJs(Napi::Env env, const TupleLoss& loss) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("phase", Name(loss.phase));
  out.Set("abi", Name(loss.abi));
  out.Set("number", loss.number);
  out.Set("denied", loss.denied);
  out.Set("unreadable", loss.unreadable);
  out.Set("count", Napi::BigInt::New(env, loss.count));
  return out;
}

Napi::Object ToJs(Napi::Env env, const Executable& executable) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("slot", executable.slot);
  out.Set("path", executable.path);
  out.Set("phase", Name(executable.phase));
  return out;
}

Napi::Value ToJs(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }

Napi::Object ToJs(Napi::Env env, const Group& group);
Napi::Object ToJs(Napi::Env env, const Observation& seen);

template <typename T>
Napi::Array ToJs(Napi::Env env, const std::vector<T>& items) {
  Napi::Array out = Napi::Array::New(env, items.size());
  for (uint32_t i = 0; i < items.size(); i++) out.Set(i, ToJs(env, items[i]));
  return out;
}

Napi::Object ToJs(Napi::Env env, const Losses& lost) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("calls", Napi::BigInt::New(env, lost.calls));
  out.Set("tasks", Napi::BigInt::New(env, lost.tasks));
  out.Set("namespaces", Napi::BigInt::New(env, lost.namespaces));
  out.Set("cgroups", Napi::BigInt::New(env, lost.cgroups));
  out.Set("executables", Napi::BigInt::New(env, lost.executables));
  out.Set("paths", Napi::BigInt::New(env, lost.paths));
  return out;
}

Napi::Object ToJs(Napi::Env env, const Group& group) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("group", group.group);
  out.Set("id", group.id);
  out.Set("bornMs", group.born_ms);
  out.Set("live", static_cast<double>(group.live));
  out.Set("starts", static_cast<double>(group.starts));
  out.Set("ended", group.ended);
  return out;
}

Napi::Object ToJs(Napi::Env env, const Observation& seen) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("elapsedMs", seen.elapsed_ms);
  out.Set("live", static_cast<double>(seen.live));
  out.Set("liveApplication", static_cast<double>(seen.live_application));
  out.Set("starts", static_cast<double>(seen.starts));
  out.Set("newestMs", seen.newest_ms);
  out.Set("filtered", seen.filtered);
  out.Set("preemptible", seen.preemptible);
  out.Set("deniedSinceMs", seen.denied_since_ms
                               ? Napi::Value(Napi::Number::New(env, *seen.denied_since_ms))
                               : env.Null());
  out.Set("executables", ToJs(env, seen.executables));
  out.Set("calls", ToJs(env, seen.calls));
  out.Set("denied", ToJs(env, seen.denied));
  out.Set("tuples", ToJs(env, seen.tuples));
  out.Set("tupleLosses", ToJs(env, seen.tuple_losses));
  out.Set("lost", ToJs(env, seen.lost));
  out.Set("blindSpots", ToJs(env, seen.blind_spots));
  return out;
}

}  // namespace

Napi::Function Programs::Define(Napi::Env env) { return DefineClass(env, "Programs", {}); }

Programs::Programs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Programs>(info) {
  const std::string kind = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "";
  tracer_ = std::make_unique<EbpfTracer>(KindOf(kind));
  tracer_->Prepare();
}

std::unique_ptr<Tracer> Session::MakeTracer(const Napi::Object& options) {
  const std::string tracer = Text(options, "tracer");
  if (tracer == "notify") return MakeNotifyTracer(options);
  if (tracer == "ptrace") return std::make_unique<PtraceTracer>();
  if (tracer != "ebpf") return nullptr;
  const Napi::Value prepared = options.Get("prepared");
  std::unique_ptr<EbpfTracer> ebpf;
  if (prepared.IsObject()) ebpf = Programs::Unwrap(prepared.As<Napi::Object>())->Take();
  if (!ebpf) ebpf = std::make_unique<EbpfTracer>(KindOf(Text(options, "programs")));
  ebpf_ = ebpf.get();
  return ebpf;
}

Napi::Function Session::Define(Napi::Env env) {
  return DefineClass(env, "Session",
                     {
                         InstanceMethod<&Session::Start>("start"),
                         InstanceMethod<&Session::WatchDenied>("watchDenied"),
                         InstanceMethod<&Session::Follow>("follow"),
                         InstanceMethod<&Session::Read>("read"),
                         InstanceMethod<&Session::Detach>("detach"),
                         InstanceMethod<&Session::Stop>("stop"),
                         InstanceMethod<&Session::Pin>("pin"),
                         InstanceMethod<&Session::Memory>("memory"),
                         InstanceMethod<&Session::ListGroups>("listGroups"),
                         InstanceMethod<&Session::Adopt>("adopt"),
                         InstanceMethod<&Session::TakeGroups>("takeGroups"),
                         InstanceMethod<&Session::IgnoreGroup>("ignoreGroup"),
                         InstanceMethod<&Session::RefuseId>("refuseId"),
                         InstanceMethod<&Session::ForgetId>("forgetId"),
                     });
}

Session::Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
  if (!info[0].IsObject()) {
    Napi::TypeError::New(info.Env(), "options expected").ThrowAsJavaScriptException();
    return;
  }
  const auto options = info[0].As<Napi::Object>();
  target_.exec_rule = Rule(options);
  target_.denied = options.Get("denied").ToBoolean().Value();
  target_.grouped = options.Get("grouped").ToBoolean().Value();
  target_.entry_only = options.Get("entryOnly").ToBoolean().Value();
  target_.found_unstarted = options.Get("foundUnstarted").ToBoolean().Value();
  target_.watch_unfollowed = options.Get("watchUnfollowed").ToBoolean().Value();
  target_.cgroups = List<std::string>(options, "cgroups");
  target_.cgroup_names = List<std::string>(options, "cgroupNames");
  target_.mount_namespaces = List<uint32_t>(options, "mountNamespaces");
  target_.pid_namespaces = List<uint32_t>(options, "pidNamespaces");
  target_.pids = List<int>(options, "pids");
  target_.setup_pids = List<int>(options, "setupPids");
  target_.tracked = Tracked(options);
  pinned_ = Text(options, "pinned");
  exclusive_ = options.Get("exclusive").ToBoolean().Value();
  tracer_ = MakeTracer(options);
  if (!tracer_) Napi::TypeError::New(info.Env(), "unknown tracer").ThrowAsJavaScriptException();
}

bool Session::Running(Napi::Env env) const {
  if (tracer_) return true;
  Throw(env, Status::Error(EBADF, "use a session that was stopped"));
  return false;
}

Napi::Value Session::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  size_t tasks = 0;
  const Status status = ebpf_ != nullptr && !pinned_.empty()
                            ? ebpf_->OpenPinned(pinned_, exclusive_)
                            : tracer_->Start(target_, &tasks);
  if (!status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("tasks", static_cast<double>(tasks));
  return out;
}

Napi::Value Session::WatchDenied(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  if (const Status status = tracer_->WatchDenied(); !status.ok()) Throw(env, status);
  return env.Undefined();
}

Napi::Value Session::Follow(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  if (!info[0].IsObject()) {
    Napi::TypeError::New(env, "options expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto options = info[0].As<Napi::Object>();
  Target more;
  more.exec_rule = target_.exec_rule;
  more.found_unstarted = options.Get("foundUnstarted").ToBoolean().Value();
  more.cgroups = List<std::string>(options, "cgroups");
  more.cgroup_names = List<std::string>(options, "cgroupNames");
  size_t tasks = 0;
  Followed followed = Followed::kUnknown;
  if (const Status status = tracer_->Follow(more, &tasks, &followed); !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("tasks", static_cast<double>(tasks));
  out.Set("followed", followed == Followed::kInTime ? "in-time"
                      : followed == Followed::kLate ? "late"
                                                    : "unknown");
  return out;
}

Napi::Value Session::Read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  Observation seen;
  if (const Status status = tracer_->Read(&seen); !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  return ToJs(env, seen);
}

Napi::Value Session::Detach(const Napi::CallbackInfo& info) {
  if (tracer_) tracer_->Detach();
  return info.Env().Undefined();
}

Napi::Value Session::Stop(const Napi::CallbackInfo& info) {
  tracer_.reset();
  ebpf_ = nullptr;
  return info.Env().Undefined();
}

Napi::Value Session::Pin(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  const Status status = ebpf_ == nullptr
                            ? Status::Error(EINVAL, "pin a session of another tracer than ebpf")
                            : ebpf_->Pin(info[0].ToString().Utf8Value());
  if (!status.ok()) Throw(env, status);
  return env.Undefined();
}

Napi::Value Session::Memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const KernelMemory memory = ebpf_ == nullptr ? KernelMemory() : ebpf_->Memory();
  Napi::Object out = Napi::Object::New(env);
  out.Set("bytes", static_cast<double>(memory.bytes));
  out.Set("most", static_cast<double>(memory.most));
  return out;
}

Napi::Value Session::ListGroups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  Groups seen;
  if (const Status status = tracer_->ListGroups(&seen); !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("groups", ToJs(env, seen.groups));
  out.Set("lost", static_cast<double>(seen.lost));
  return out;
}

Napi::Value Session::Adopt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  const auto options = info[1].ToObject();
  Target target;
  target.exec_rule = Rule(options);
  target.cgroups = List<std::string>(options, "cgroups");
  target.mount_namespaces = List<uint32_t>(options, "mountNamespaces");
  target.pid_namespaces = List<uint32_t>(options, "pidNamespaces");
  size_t tasks = 0;
  const Status status = tracer_->Adopt(info[0].ToString().Utf8Value(), target, &tasks);
  if (!status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  return Napi::Number::New(env, static_cast<double>(tasks));
}

Napi::Value Session::TakeGroups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  std::vector<uint32_t> groups;
  if (info[0].IsArray()) {
    const auto list = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); i++) groups.push_back(list.Get(i).ToNumber());
  }
  std::vector<Observation> seen;
  if (const Status status = tracer_->TakeGroups(groups, &seen); !status.ok()) {
    Throw(env, status);
    return env.Undefined();
  }
  return ToJs(env, seen);
}

Napi::Value Session::IgnoreGroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  const Status status = tracer_->IgnoreGroup(info[0].ToNumber());
  if (!status.ok()) Throw(env, status);
  return env.Undefined();
}

Napi::Value Session::RefuseId(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  const Status status = tracer_->RefuseId(info[0].ToString().Utf8Value());
  if (!status.ok()) Throw(env, status);
  return env.Undefined();
}

Napi::Value Session::ForgetId(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!Running(env)) return env.Undefined();
  const Status status = tracer_->ForgetId(info[0].ToString().Utf8Value());
  if (!status.ok()) Throw(env, status);
  return env.Undefined();
}

}  // namespace sysieve
