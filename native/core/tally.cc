#include "core/tally.h"

#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <thread>
#include <utility>

namespace sysieve {
namespace {

// kUnknown, then the phases before the application, then executables.
constexpr uint32_t kSetup = 1;
constexpr uint32_t kFirstExecutable = 5;
constexpr std::array kPhases = {Phase::kApplication, Phase::kSetup, Phase::kRuntime,
                                Phase::kExecSetup, Phase::kExec};
static_assert(kPhases.size() == kFirstExecutable);

// Of the calls Linux has; a tracked one lies below.
constexpr uint32_t kNumbers = 512;

uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t TrackedKey(Abi abi, uint32_t number) {
  return (abi == Abi::kI386 ? uint64_t{1} << 32 : 0) | number;
}

size_t Mix(size_t seed, uint64_t value) {
  // The multiplier of splitmix64: values differ in few bits.
  uint64_t mixed = (seed ^ value) * 0xbf58476d1ce4e5b9ULL;
  return mixed ^ (mixed >> 31);
}

// Numbers are the target's to choose: with a hash known to it, all could be made to share a bucket.
size_t Secret() {
  static const size_t secret = [] {
    size_t value = 0;
    // Without randomness yet, early at boot: 0, which costs time at most.
    return getrandom(&value, sizeof(value), GRND_NONBLOCK) == sizeof(value) ? value : 0;
  }();
  return secret;
}

}  // namespace

size_t Tally::KeyHash::operator()(const Key& key) const {
  return Mix(Mix(Mix(Secret(), key.slot), static_cast<uint64_t>(key.abi)), key.number);
}

size_t Tally::ValuesHash::operator()(const Values& values) const {
  size_t seed = Secret();
  for (const uint64_t word : values.words) seed = Mix(seed + 1, word);
  return seed;
}

Status Tally::Track(const std::vector<TrackedCall>& tracked) {
  for (const TrackedCall& call : tracked) {
    bool good = call.number < kNumbers && call.abi != Abi::kX32 && !call.indexes.empty() &&
                call.indexes.size() <= Values{}.words.size() &&
                call.indexes.size() == call.masks.size() &&
                (!call.memory || call.indexes.size() == 1);
    for (const uint32_t index : call.indexes) good = good && index < Arguments{}.size();
    if (!good) return Status::Error(EINVAL, "track arguments", std::to_string(call.number));
    tracked_[TrackedKey(call.abi, call.number)] = call;
  }
  return Status::Ok();
}

void Tally::Begin() {
  uint64_t none = 0;
  if (end_ns_ == 0) begin_ns_.compare_exchange_strong(none, NowNs());
}

void Tally::End() {
  uint64_t none = 0;
  end_ns_.compare_exchange_strong(none, NowNs());
}

double Tally::NowMs() const {
  const uint64_t begin = begin_ns_;
  const uint64_t end = end_ns_;
  if (begin == 0) return 0;
  return static_cast<double>((end != 0 ? end : NowNs()) - begin) / 1e6;
}

uint32_t Tally::ApplicationSlot(const std::string& path) {
  if (path.empty()) return kUnknown;
  const std::string cut = path.substr(0, kPathBytes);
  const std::lock_guard lock(mutex_);
  // Known or not: what is cut may be another path with the same beginning.
  if (cut.size() < path.size()) lost_.paths++;
  if (const auto known = slots_.find(cut); known != slots_.end()) return known->second;
  if (paths_.size() == kExecutables) {
    lost_.executables++;
    return kUnknown;
  }
  const auto slot = static_cast<uint32_t>(kFirstExecutable + paths_.size());
  paths_.push_back(cut);
  slots_.emplace(cut, slot);
  return slot;
}

uint32_t Tally::PhaseSlot(Phase phase) {
  for (uint32_t slot = kSetup; slot < kFirstExecutable; slot++) {
    if (kPhases[slot] == phase) return slot;
  }
  return kUnknown;
}

Phase Tally::PhaseOf(uint32_t slot) {
  return slot < kFirstExecutable ? kPhases[slot] : Phase::kApplication;
}

std::optional<Tally::Sample> Tally::SampleOf(Abi abi, uint32_t number, const Arguments& arguments,
                                             const ReadWord& read) const {
  const auto found = tracked_.find(TrackedKey(abi, number));
  if (found == tracked_.end()) return std::nullopt;
  const TrackedCall& how = found->second;
  const auto argument = [&](uint32_t index) {
    // Of i386 the lower half is the register, whatever the tracer was handed above it.
    return abi == Abi::kI386 ? arguments[index] & UINT32_MAX : arguments[index];
  };
  Sample sample{how.indexes.size(), true, {}};
  if (how.memory) {
    uint64_t word = 0;
    sample.readable = read && read(argument(0), &word);
    sample.values.words[0] = word & how.masks[0];
    return sample;
  }
  for (size_t i = 0; i < how.indexes.size(); i++) {
    sample.values.words[i] = argument(how.indexes[i]) & how.masks[i];
  }
  return sample;
}

void Tally::Count(uint32_t slot, Abi abi, uint32_t number, const Arguments& arguments,
                  const ReadWord& read) {
  // Before the lock: a read of the target's memory may take as long as its page fault does.
  const std::optional<Sample> sample = SampleOf(abi, number, arguments, read);
  const std::lock_guard lock(mutex_);
  const Key key{slot, abi, number};
  auto counted = calls_.find(key);
  if (counted == calls_.end()) {
    // Numbers are the target's to choose, all 2^32 of them.
    if (calls_.size() == kCalls) {
      lost_.calls++;
      return;
    }
    newest_ms_ = NowMs();
    counted = calls_.emplace(key, Counted{0, newest_ms_}).first;
  }
  counted->second.count++;
  if (sample) Keep(slot, abi, number, *sample);
}

void Tally::Keep(uint32_t slot, Abi abi, uint32_t number, const Sample& sample) {
  // Of the application one set of tuples, whichever executable: a filter is one for all of them.
  Tuples& tuples = tuples_[{PhaseSlot(PhaseOf(slot)), abi, number}];
  tuples.arguments = sample.arguments;
  if (!sample.readable) {
    tuples.unreadable++;
    return;
  }
  auto kept = tuples.kept.find(sample.values);
  if (kept == tuples.kept.end()) {
    if (tuples.kept.size() == kTuples) {
      tuples.overflow++;
      return;
    }
    kept = tuples.kept.emplace(sample.values, Kept{}).first;
  }
  kept->second.count++;
  if (kept->second.slots.size() <= slot / 64) kept->second.slots.resize(slot / 64 + 1);
  kept->second.slots[slot / 64] |= uint64_t{1} << (slot % 64);
}

void Tally::Started() {
  const std::lock_guard lock(mutex_);
  starts_++;
}

void Tally::LoseCalls(uint64_t count) {
  const std::lock_guard lock(mutex_);
  lost_.calls += count;
}

void Tally::LoseTasks(uint64_t count) {
  const std::lock_guard lock(mutex_);
  lost_.tasks += count;
}

void Tally::Read(Observation* out) const {
  const std::lock_guard lock(mutex_);
  ReadLocked(out);
}

bool Tally::TryRead(std::chrono::milliseconds patience, Observation* out) const {
  std::unique_lock lock(mutex_, std::try_to_lock);
  // Tried again rather than waited for: who counts holds it for a moment at a time.
  constexpr std::chrono::milliseconds kPause{1};
  for (auto waited = kPause; !lock && waited <= patience; waited += kPause) {
    std::this_thread::sleep_for(kPause);
    static_cast<void>(lock.try_lock());
  }
  if (!lock) return false;
  ReadLocked(out);
  return true;
}

void Tally::ReadLocked(Observation* out) const {
  out->elapsed_ms = NowMs();
  out->newest_ms = newest_ms_;
  out->starts = starts_;
  out->lost = lost_;
  for (uint32_t slot = 0; slot < kFirstExecutable; slot++) {
    out->executables.push_back({slot, "", PhaseOf(slot)});
  }
  for (uint32_t i = 0; i < paths_.size(); i++) {
    out->executables.push_back({kFirstExecutable + i, paths_[i], Phase::kApplication});
  }
  for (const auto& [key, counted] : calls_) {
    out->calls.push_back({key.slot, key.abi, key.number, counted.count, counted.first_ms});
  }
  for (const auto& [key, tuples] : tuples_) {
    const Phase phase = PhaseOf(key.slot);
    for (const auto& [values, kept] : tuples.kept) {
      Tuple tuple{phase, key.abi, key.number, false, {}, kept.count, {}};
      tuple.values.assign(values.words.begin(), values.words.begin() + tuples.arguments);
      for (uint32_t slot = 0; slot < kept.slots.size() * 64; slot++) {
        if ((kept.slots[slot / 64] >> (slot % 64) & 1) != 0) tuple.slots.push_back(slot);
      }
      out->tuples.push_back(std::move(tuple));
    }
    for (const bool unreadable : {false, true}) {
      const uint64_t count = unreadable ? tuples.unreadable : tuples.overflow;
      if (count > 0) {
        out->tuple_losses.push_back({phase, key.abi, key.number, false, unreadable, count});
      }
    }
  }
}

}  // namespace sysieve
