#include "reach/sha256.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace sysieve::reach {

namespace {

// The first 32 bits of the fractional parts of the roots of the first primes, as the standard has
// it.
struct Constants {
  std::array<uint32_t, 64> rounds;
  std::array<uint32_t, 8> start;

  Constants() : rounds(), start() {
    size_t count = 0;
    for (unsigned candidate = 2; count < rounds.size(); candidate++) {
      bool prime = true;
      for (unsigned by = 2; by * by <= candidate; by++) prime = prime && candidate % by != 0;
      if (!prime) continue;
      rounds[count] = Fraction(std::cbrt(static_cast<long double>(candidate)));
      if (count < start.size())
        start[count] = Fraction(std::sqrt(static_cast<long double>(candidate)));
      count++;
    }
  }

  static uint32_t Fraction(long double root) {
    return static_cast<uint32_t>((root - std::floor(root)) * 4294967296.0L);
  }
};

void AddBlock(const Constants& constants, std::array<uint32_t, 8>& state, const uint8_t* block) {
  std::array<uint32_t, 64> words;
  for (size_t i = 0; i < 16; i++) {
    uint32_t word;
    std::memcpy(&word, block + i * 4, 4);
    words[i] = __builtin_bswap32(word);
  }
  for (size_t i = 16; i < 64; i++) {
    const uint32_t a = words[i - 15];
    const uint32_t b = words[i - 2];
    words[i] = words[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + words[i - 7] +
               (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (size_t i = 0; i < 64; i++) {
    const uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                           ((e & f) ^ (~e & g)) + constants.rounds[i] + words[i];
    const uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<uint32_t, 8> add{a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; i++) state[i] += add[i];
}

}  // namespace

std::string Sha256(std::span<const uint8_t> bytes) {
  static const Constants constants;
  std::array<uint32_t, 8> state = constants.start;
  size_t at = 0;
  for (; at + 64 <= bytes.size(); at += 64) AddBlock(constants, state, bytes.data() + at);
  std::array<uint8_t, 128> tail{};
  const size_t rest = bytes.size() - at;
  if (rest > 0) std::memcpy(tail.data(), bytes.data() + at, rest);
  tail[rest] = 0x80;
  const size_t length = rest < 56 ? 64 : 128;
  const uint64_t bits = __builtin_bswap64(uint64_t{bytes.size()} * 8);
  std::memcpy(tail.data() + length - 8, &bits, 8);
  for (size_t i = 0; i < length; i += 64) AddBlock(constants, state, tail.data() + i);
  std::string text;
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  }
  return text;
}

}  // namespace sysieve::reach
