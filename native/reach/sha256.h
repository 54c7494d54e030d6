// SHA-256 (FIPS 180-4): what a file is known by in the cache. A build id is the file's own word.
#ifndef SYSIEVE_REACH_SHA256_H_
#define SYSIEVE_REACH_SHA256_H_

#include <cstdint>
#include <span>
#include <string>

namespace sysieve::reach {

// 64 hexadecimal digits.
std::string Sha256(std::span<const uint8_t> bytes);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_SHA256_H_
