// Errnos by name.
#ifndef SYSIEVE_ADDON_ERRNO_NAME_H_
#define SYSIEVE_ADDON_ERRNO_NAME_H_

namespace sysieve {

// "EPERM" for EPERM; null for what is no errno of Linux.
const char* ErrnoName(int code);

}  // namespace sysieve

#endif  // SYSIEVE_ADDON_ERRNO_NAME_H_
