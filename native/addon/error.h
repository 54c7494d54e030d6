// A failure as JavaScript sees it.
#ifndef SYSIEVE_ADDON_ERROR_H_
#define SYSIEVE_ADDON_ERROR_H_

#include <napi.h>

#include "core/status.h"

namespace sysieve {

// An Error with `code` (the errno's name), `operation` and `detail`.
void Throw(Napi::Env env, const Status& status);

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_ERROR_H_
