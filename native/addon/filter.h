// Seccomp filters, as JavaScript runs and reads them.
#ifndef SYSIEVE_ADDON_FILTER_H_
#define SYSIEVE_ADDON_FILTER_H_

#include <napi.h>

namespace sysieve {

// runFilter(program, calls) and dumpFilters(pid); src/capture/binding-types.ts says what they take.
void DefineFilter(Napi::Env env, Napi::Object exports);

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_FILTER_H_
