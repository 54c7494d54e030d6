// Names of cgroups as the kernel's tracepoints see them: (hierarchy, id).
#ifndef SYSIEVE_CORE_CGROUP_H_
#define SYSIEVE_CORE_CGROUP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "core/status.h"

namespace sysieve {

struct CgroupId {
  uint32_t hierarchy;  // 0: cgroup v2
  uint64_t id;
};

using CgroupVisitor = std::function<void(const CgroupId&, const std::string& directory)>;

// The directory and all below it, each before what is below it is listed. `refused` receives how
// many there are that this process may not look into, or not even see.
Status WalkCgroups(const std::string& directory, const CgroupVisitor& visit, size_t* refused);

}  // namespace sysieve

#endif  // SYSIEVE_CORE_CGROUP_H_
