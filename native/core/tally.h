// What a tracer that is told of every call keeps of them: counts, argument tuples, executables. The
// same meaning and limits as the maps of the BPF tracer, in memory of its own. Safe to read on one
// thread while another counts.
#ifndef SYSIEVE_CORE_TALLY_H_
#define SYSIEVE_CORE_TALLY_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "core/tracer.h"

namespace sysieve {

using Arguments = std::array<uint64_t, 6>;

class Tally {
 public:
  // Reads the 64-bit word at an address of the calling task; false where it is not there. Called
  // without any lock held: it may be slow.
  using ReadWord = std::function<bool(uint64_t address, uint64_t* word)>;

  // A target can make up paths without end; from this many on its calls count under none.
  static constexpr size_t kExecutables = 1024;
  static constexpr size_t kPathBytes = 4095;
  static constexpr size_t kTuples = 128;   // distinct, of one call
  static constexpr size_t kCalls = 65536;  // (ABI, number, executable)

  // The slot of the application under no known executable.
  static constexpr uint32_t kUnknown = 0;

  // Fails where a tracked call is not well-formed.
  Status Track(const std::vector<TrackedCall>& tracked);

  // Times count from the first one; before it, they are 0.
  void Begin();
  // Elapsed time stands still from the first one; without a Begin() before it, at 0.
  void End();

  // The slot of an executable of the application, known or new. An empty path is kUnknown. A path
  // that is cut counts as lost each time: another with the same beginning would have its slot.
  uint32_t ApplicationSlot(const std::string& path);
  // The one slot of a phase before the application.
  static uint32_t PhaseSlot(Phase phase);

  // One attempt. `slot` is one that this tally gave, `number` without the x32 bit. `read` may be
  // null: then memory counts as unreadable.
  void Count(uint32_t slot, Abi abi, uint32_t number, const Arguments& arguments,
             const ReadWord& read);
  void Started();
  void LoseCalls(uint64_t count);
  void LoseTasks(uint64_t count);

  // Everything but what only the tracer knows: live, live_application, filtered, denials, blind
  // spots. Lists are added to those of `out`.
  void Read(Observation* out) const;
  // The same where who counts is a process that may stop or be killed at any moment, with the lock
  // in its hand: false, and nothing read, where the lock is not to be had within `patience`.
  [[nodiscard]] bool TryRead(std::chrono::milliseconds patience, Observation* out) const;

 private:
  struct Key {
    uint32_t slot;
    Abi abi;
    uint32_t number;
    bool operator==(const Key& other) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Counted {
    uint64_t count = 0;
    double first_ms = 0;
  };
  struct Values {
    std::array<uint64_t, 3> words{};
    bool operator==(const Values& other) const = default;
  };
  struct ValuesHash {
    size_t operator()(const Values& values) const;
  };
  // What one tracked call says.
  struct Sample {
    size_t arguments;
    bool readable;
    Values values;
  };
  struct Kept {
    uint64_t count = 0;
    std::vector<uint64_t> slots;  // a bit for each
  };
  struct Tuples {
    size_t arguments = 0;
    std::unordered_map<Values, Kept, ValuesHash> kept;
    uint64_t overflow = 0;
    uint64_t unreadable = 0;
  };

  [[nodiscard]] double NowMs() const;
  // None where the call is not tracked.
  [[nodiscard]] std::optional<Sample> SampleOf(Abi abi, uint32_t number, const Arguments& arguments,
                                               const ReadWord& read) const;
  void ReadLocked(Observation* out) const;
  void Keep(uint32_t slot, Abi abi, uint32_t number, const Sample& sample);
  [[nodiscard]] static Phase PhaseOf(uint32_t slot);

  mutable std::mutex mutex_;
  // Read without the lock: Track() is over before the first call.
  std::unordered_map<uint64_t, TrackedCall> tracked_;
  // Without the lock, so that whoever ends it need not wait for who counts. 0: not yet.
  std::atomic<uint64_t> begin_ns_{0};
  std::atomic<uint64_t> end_ns_{0};
  double newest_ms_ = 0;
  uint64_t starts_ = 0;
  Losses lost_;
  std::vector<std::string> paths_;  // from kFirstExecutable on
  std::unordered_map<std::string, uint32_t> slots_;
  std::unordered_map<Key, Counted, KeyHash> calls_;
  std::unordered_map<Key, Tuples, KeyHash> tuples_;  // the slot: that of the phase
};

}  // namespace sysieve

#endif  // SYSIEVE_CORE_TALLY_H_
