// Names of cgroups as the kernel's tracepoints see them: (hierarchy, id).
#ifndef SYSIEVE_CORE_CGROUP_H_
#define SYSIEVE_CORE_CGROUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"

namespace sysieve {

struct CgroupId {
  uint32_t hierarchy;  // 0: cgroup v2
  uint64_t id;
};

// The directory and all below it; `directories` receives them in the same order.
Status FindCgroups(const std::string& directory, std::vector<CgroupId>* ids,
                   std::vector<std::string>* directories);

}  // namespace sysieve

#endif  // SYSIEVE_CORE_CGROUP_H_
