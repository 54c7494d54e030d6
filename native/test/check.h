// A test program is its cases: TEST(name) { … CHECK(…) … }. Every case runs; the status is 1 when a
// check of one did not hold, so a case goes on after it.
#ifndef SYSIEVE_TEST_CHECK_H_
#define SYSIEVE_TEST_CHECK_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

namespace sysieve::test {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

struct Register {
  Register(const char* name, void (*run)()) { Cases().push_back({name, run}); }
};

struct State {
  int failed = 0;
  std::string skipped;
};

inline State& Now() {
  static State state;
  return state;
}

inline void Fail(const char* file, int line, const std::string& what) {
  Now().failed++;
  printf("%s:%d: %s\n", file, line, what.c_str());
}

template <typename T>
std::string Show(const T& value) {
  if constexpr (std::is_convertible_v<T, std::string>) {
    return std::string(value);
  } else {
    return std::to_string(value);
  }
}

// Repetitions of a random test: `once` in full, a tenth of it (ten at least) in every other run.
inline int Repetitions(int once) {
  const char* const soak = getenv("SYSIEVE_SOAK");
  if (soak != nullptr && std::string(soak) == "1") return once;
  return once / 10 < 10 ? 10 : once / 10;
}

inline int RunAll() {
  int failed = 0;
  for (const Case& test : Cases()) {
    Now() = {};
    const auto start = std::chrono::steady_clock::now();
    test.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const bool bad = Now().failed > 0;
    failed += bad ? 1 : 0;
    if (!bad && !Now().skipped.empty()) {
      printf("skipped %s: %s\n", test.name, Now().skipped.c_str());
    } else {
      printf("%s %s (%.1f s)\n", bad ? "FAILED" : "ok", test.name, took.count());
    }
    fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace sysieve::test

#define TEST(name)                                                        \
  static void Test##name();                                               \
  static const sysieve::test::Register register##name(#name, Test##name); \
  static void Test##name()

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) sysieve::test::Fail(__FILE__, __LINE__, #condition); \
  } while (false)

#define CHECK_EQ(seen, expected)                                                                  \
  do {                                                                                            \
    const auto seen_ = (seen);                                                                    \
    const auto expected_ = (expected);                                                            \
    if (!(seen_ == expected_)) {                                                                  \
      sysieve::test::Fail(                                                                        \
          __FILE__, __LINE__,                                                                     \
          #seen " is " + sysieve::test::Show(seen_) + ", not " + sysieve::test::Show(expected_)); \
    }                                                                                             \
  } while (false)

// Ends the case, reported with its reason: what it needs is not here.
#define SKIP(reason)                         \
  do {                                       \
    sysieve::test::Now().skipped = (reason); \
    return;                                  \
  } while (false)

#endif  // SYSIEVE_TEST_CHECK_H_
