// What seccomp listeners need of the system, as JavaScript uses it.
#ifndef SYSIEVE_ADDON_LISTENER_H_
#define SYSIEVE_ADDON_LISTENER_H_

#include <napi.h>

namespace sysieve {

// socketPair() and Inbox; src/capture/binding-types.ts says what they take.
void DefineListener(Napi::Env env, Napi::Object exports);

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_LISTENER_H_
