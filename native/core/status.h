// How a failure travels: which operation, which errno, what it concerned. One place (the addon)
// turns it into a JavaScript error.
#ifndef SYSIEVE_CORE_STATUS_H_
#define SYSIEVE_CORE_STATUS_H_

#include <cerrno>
#include <string>
#include <utility>

namespace sysieve {

struct [[nodiscard]] Status {
  int code = 0;  // errno; 0: success
  std::string operation;
  std::string detail;

  [[nodiscard]] bool ok() const { return code == 0; }

  static Status Ok() { return {}; }
  // `code` is read by the caller right at the failing call.
  static Status Error(int code, std::string operation, std::string detail = "") {
    return {code == 0 ? EIO : code, std::move(operation), std::move(detail)};
  }
};

}  // namespace sysieve

#endif  // SYSIEVE_CORE_STATUS_H_
