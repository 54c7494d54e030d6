// core/tally: what it counts, where it stops, and that one thread may read while another counts.
#include "core/tally.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "test/check.h"

namespace sysieve::test {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kSocket = 41;
constexpr uint32_t kClone3 = 435;
constexpr uint64_t kLow = 0xffffffff;

Observation Read(const Tally& tally) {
  Observation out;
  tally.Read(&out);
  return out;
}

uint64_t CountOf(const Observation& seen, uint32_t slot, Abi abi, uint32_t number) {
  for (const Call& call : seen.calls) {
    if (call.slot == slot && call.abi == abi && call.number == number) return call.count;
  }
  return 0;
}

const Executable* Find(const Observation& seen, uint32_t slot) {
  for (const Executable& executable : seen.executables) {
    if (executable.slot == slot) return &executable;
  }
  return nullptr;
}

TEST(CallsAreCountedByExecutableAbiAndNumber) {
  Tally tally;
  tally.Begin();
  const uint32_t one = tally.ApplicationSlot("/one");
  const uint32_t two = tally.ApplicationSlot("/two");
  CHECK(one != two);
  CHECK_EQ(tally.ApplicationSlot("/one"), one);
  CHECK_EQ(tally.ApplicationSlot(""), Tally::kUnknown);
  tally.Count(one, Abi::kX86_64, 1, {}, nullptr);
  tally.Count(one, Abi::kX86_64, 1, {}, nullptr);
  tally.Count(two, Abi::kX86_64, 1, {}, nullptr);
  tally.Count(one, Abi::kI386, 1, {}, nullptr);
  tally.Count(one, Abi::kX32, 1, {}, nullptr);
  tally.Count(one, Abi::kX86_64, 0xffffffff, {}, nullptr);
  const Observation seen = Read(tally);
  CHECK_EQ(seen.calls.size(), size_t{5});
  CHECK_EQ(CountOf(seen, one, Abi::kX86_64, 1), uint64_t{2});
  CHECK_EQ(CountOf(seen, two, Abi::kX86_64, 1), uint64_t{1});
  CHECK_EQ(CountOf(seen, one, Abi::kI386, 1), uint64_t{1});
  CHECK_EQ(CountOf(seen, one, Abi::kX32, 1), uint64_t{1});
  CHECK_EQ(CountOf(seen, one, Abi::kX86_64, 0xffffffff), uint64_t{1});
  CHECK_EQ(Find(seen, one)->path, "/one");
  CHECK_EQ(Find(seen, two)->path, "/two");
  CHECK(Find(seen, one)->phase == Phase::kApplication);
  CHECK(seen.tuples.empty() && seen.tuple_losses.empty());
  CHECK_EQ(seen.lost.calls + seen.lost.paths + seen.lost.executables, uint64_t{0});
}

TEST(EachPhaseHasItsSlot) {
  Tally tally;
  const uint32_t application = tally.ApplicationSlot("/application");
  for (const Phase phase : {Phase::kSetup, Phase::kRuntime, Phase::kExecSetup, Phase::kExec}) {
    const uint32_t slot = Tally::PhaseSlot(phase);
    CHECK(slot != application && slot != Tally::kUnknown);
    tally.Count(slot, Abi::kX86_64, 1, {}, nullptr);
    const Observation seen = Read(tally);
    CHECK(Find(seen, slot)->phase == phase);
    CHECK_EQ(Find(seen, slot)->path, "");
    CHECK_EQ(CountOf(seen, slot, Abi::kX86_64, 1), uint64_t{1});
  }
  CHECK_EQ(Tally::PhaseSlot(Phase::kApplication), Tally::kUnknown);
}

TEST(TimeRunsFromTheFirstBeginToTheFirstEnd) {
  Tally tally;
  tally.Count(Tally::kUnknown, Abi::kX86_64, 1, {}, nullptr);
  CHECK(Read(tally).elapsed_ms == 0 && Read(tally).newest_ms == 0);
  tally.Begin();
  std::this_thread::sleep_for(20ms);
  tally.Begin();
  tally.Count(Tally::kUnknown, Abi::kX86_64, 2, {}, nullptr);
  tally.End();
  const Observation ended = Read(tally);
  CHECK(ended.elapsed_ms >= 20 && ended.newest_ms >= 20 && ended.newest_ms <= ended.elapsed_ms);
  std::this_thread::sleep_for(5ms);
  tally.End();
  tally.Begin();
  tally.Count(Tally::kUnknown, Abi::kX86_64, 3, {}, nullptr);
  const Observation after = Read(tally);
  CHECK(after.elapsed_ms == ended.elapsed_ms);
  CHECK(after.newest_ms == ended.elapsed_ms);
}

TEST(WithoutABeginNoTimePasses) {
  Tally tally;
  tally.End();
  tally.Begin();
  tally.Count(Tally::kUnknown, Abi::kX86_64, 1, {}, nullptr);
  const Observation seen = Read(tally);
  CHECK(seen.elapsed_ms == 0 && seen.newest_ms == 0);
  CHECK_EQ(CountOf(seen, Tally::kUnknown, Abi::kX86_64, 1), uint64_t{1});
}

TEST(EveryCutPathIsCounted) {
  Tally tally;
  const std::string whole(Tally::kPathBytes, 'p');
  const uint32_t slot = tally.ApplicationSlot(whole);
  CHECK_EQ(Read(tally).lost.paths, uint64_t{0});
  CHECK_EQ(tally.ApplicationSlot(whole + "a"), slot);
  CHECK_EQ(tally.ApplicationSlot(whole + "b"), slot);
  CHECK_EQ(Read(tally).lost.paths, uint64_t{2});
  CHECK(Find(Read(tally), slot)->path == whole);
}

TEST(ExecutablesOverTheLimitCountUnderNone) {
  Tally tally;
  for (size_t i = 0; i < Tally::kExecutables; i++) {
    CHECK(tally.ApplicationSlot("/" + std::to_string(i)) != Tally::kUnknown);
  }
  CHECK_EQ(Read(tally).lost.executables, uint64_t{0});
  CHECK_EQ(tally.ApplicationSlot("/one more"), Tally::kUnknown);
  CHECK_EQ(tally.ApplicationSlot(std::string(Tally::kPathBytes + 1, 'p')), Tally::kUnknown);
  CHECK(tally.ApplicationSlot("/7") != Tally::kUnknown);
  const Observation seen = Read(tally);
  CHECK_EQ(seen.lost.executables, uint64_t{2});
  CHECK_EQ(seen.lost.paths, uint64_t{1});
}

TEST(CallsOverTheLimitAreLost) {
  Tally tally;
  for (uint32_t number = 0; number < Tally::kCalls; number++) {
    tally.Count(Tally::kUnknown, Abi::kI386, number * 7919, {}, nullptr);
  }
  CHECK_EQ(Read(tally).lost.calls, uint64_t{0});
  tally.Count(Tally::kUnknown, Abi::kX86_64, 1, {}, nullptr);
  tally.Count(Tally::kUnknown, Abi::kX86_64, 1, {}, nullptr);
  tally.Count(Tally::kUnknown, Abi::kI386, 7919, {}, nullptr);
  tally.LoseCalls(10);
  tally.LoseTasks(3);
  tally.Started();
  const Observation seen = Read(tally);
  CHECK_EQ(seen.lost.calls, uint64_t{12});
  CHECK_EQ(seen.lost.tasks, uint64_t{3});
  CHECK_EQ(seen.starts, uint64_t{1});
  CHECK_EQ(CountOf(seen, Tally::kUnknown, Abi::kI386, 7919), uint64_t{2});
}

TEST(TrackedCallsMustBeWellFormed) {
  const TrackedCall good{Abi::kX86_64, kSocket, false, {0, 1, 2}, {kLow, kLow, kLow}};
  const auto refused = [&good](void (*spoil)(TrackedCall*)) {
    TrackedCall call = good;
    spoil(&call);
    Tally tally;
    return tally.Track({good, call}).code == EINVAL;
  };
  CHECK(!refused([](TrackedCall*) {}));
  CHECK(refused([](TrackedCall* call) { call->number = 512; }));
  CHECK(refused([](TrackedCall* call) { call->abi = Abi::kX32; }));
  CHECK(refused([](TrackedCall* call) { call->indexes.clear(), call->masks.clear(); }));
  CHECK(refused([](TrackedCall* call) { call->masks.pop_back(); }));
  CHECK(refused([](TrackedCall* call) { call->indexes[2] = 6; }));
  CHECK(refused([](TrackedCall* call) { call->indexes.push_back(3), call->masks.push_back(1); }));
  CHECK(refused([](TrackedCall* call) { call->memory = true; }));
}

// What a tuple is known by, without its phase.
using Kept = std::map<std::tuple<Abi, uint32_t, std::vector<uint64_t>>, const Tuple*>;

Kept TuplesOf(const Observation& seen) {
  Kept out;
  for (const Tuple& tuple : seen.tuples) {
    CHECK(out.emplace(std::tuple(tuple.abi, tuple.number, tuple.values), &tuple).second);
  }
  return out;
}

TEST(TuplesAreMaskedAndOfTheWholeApplication) {
  Tally tally;
  CHECK(tally
            .Track({{Abi::kX86_64, kSocket, false, {0, 1}, {kLow, 0xf}},
                    {Abi::kI386, kSocket, false, {0}, {UINT64_MAX}}})
            .ok());
  const uint32_t one = tally.ApplicationSlot("/one");
  uint32_t other = 0;  // far enough for a second word of bits
  for (int i = 0; i < 100; i++) other = tally.ApplicationSlot("/" + std::to_string(i));
  tally.Count(one, Abi::kX86_64, kSocket, {uint64_t{5} << 32 | 2, 0x801, 9}, nullptr);
  tally.Count(other, Abi::kX86_64, kSocket, {2, 1}, nullptr);
  tally.Count(one, Abi::kX32, kSocket, {2, 1}, nullptr);
  tally.Count(one, Abi::kI386, kSocket, {uint64_t{5} << 32 | 3}, nullptr);
  tally.Count(Tally::PhaseSlot(Phase::kExec), Abi::kI386, kSocket, {4}, nullptr);
  tally.Count(one, Abi::kX86_64, kSocket + 1, {2, 1}, nullptr);
  const Observation seen = Read(tally);
  Kept kept = TuplesOf(seen);
  CHECK_EQ(kept.size(), size_t{4});
  const Tuple* const shared = kept[{Abi::kX86_64, kSocket, {2, 1}}];
  CHECK(shared != nullptr && shared->count == 2 && shared->phase == Phase::kApplication);
  CHECK(shared != nullptr && shared->slots == std::vector<uint32_t>({one, other}));
  CHECK((kept[{Abi::kX32, kSocket, {2, 1}}] != nullptr));
  CHECK((kept[{Abi::kI386, kSocket, {3}}] != nullptr));
  const Tuple* const entered = kept[{Abi::kI386, kSocket, {4}}];
  CHECK(entered != nullptr && entered->phase == Phase::kExec);
  CHECK(seen.tuple_losses.empty());
}

TEST(TuplesOverTheLimitAreCounted) {
  Tally tally;
  CHECK(tally.Track({{Abi::kX86_64, kSocket, false, {0}, {kLow}}}).ok());
  for (uint64_t i = 0; i < Tally::kTuples + 5; i++) {
    tally.Count(Tally::kUnknown, Abi::kX86_64, kSocket, {i}, nullptr);
  }
  tally.Count(Tally::kUnknown, Abi::kX86_64, kSocket, {0}, nullptr);
  const Observation seen = Read(tally);
  CHECK_EQ(seen.tuples.size(), Tally::kTuples);
  CHECK_EQ(seen.tuple_losses.size(), size_t{1});
  CHECK_EQ(seen.tuple_losses[0].count, uint64_t{5});
  CHECK(!seen.tuple_losses[0].unreadable);
  CHECK_EQ(CountOf(seen, Tally::kUnknown, Abi::kX86_64, kSocket), Tally::kTuples + 6);
}

TEST(MemoryIsReadOrCountsAsUnreadable) {
  Tally tally;
  CHECK(tally
            .Track({{Abi::kX86_64, kClone3, true, {0}, {0xff00}},
                    {Abi::kI386, kClone3, true, {0}, {UINT64_MAX}}})
            .ok());
  const Tally::ReadWord read = [](uint64_t address, uint64_t* word) {
    *word = address | 0xabcd;
    return address != 0;
  };
  const auto count = [&](Abi abi, uint64_t address, const Tally::ReadWord& how) {
    tally.Count(Tally::kUnknown, abi, kClone3, {address}, how);
  };
  count(Abi::kX86_64, 0x10000, read);
  count(Abi::kX86_64, 0, read);
  count(Abi::kX86_64, 0x10000, nullptr);
  count(Abi::kI386, uint64_t{1} << 32 | 0x10000, read);
  const Observation seen = Read(tally);
  Kept kept = TuplesOf(seen);
  CHECK_EQ(kept.size(), size_t{2});
  CHECK((kept[{Abi::kX86_64, kClone3, {0xab00}}] != nullptr));
  CHECK((kept[{Abi::kI386, kClone3, {0x1abcd}}] != nullptr));
  CHECK_EQ(seen.tuple_losses.size(), size_t{1});
  CHECK(seen.tuple_losses[0].unreadable);
  CHECK_EQ(seen.tuple_losses[0].count, uint64_t{2});
  CHECK_EQ(CountOf(seen, Tally::kUnknown, Abi::kX86_64, kClone3), uint64_t{3});
}

// A read of the target's memory may wait for a page fault that the target itself serves.
TEST(ASlowReadHoldsNobodyUp) {
  Tally tally;
  CHECK(tally.Track({{Abi::kX86_64, kClone3, true, {0}, {UINT64_MAX}}}).ok());
  std::atomic<bool> reading = false;
  std::atomic<bool> go_on = false;
  std::thread counter([&] {
    tally.Count(Tally::kUnknown, Abi::kX86_64, kClone3, {1}, [&](uint64_t, uint64_t* word) {
      reading = true;
      while (!go_on) std::this_thread::sleep_for(1ms);
      *word = 7;
      return true;
    });
  });
  while (!reading) std::this_thread::sleep_for(1ms);
  // With the lock held this would never come back.
  CHECK(Read(tally).calls.empty());
  tally.Count(Tally::kUnknown, Abi::kX86_64, 1, {}, nullptr);
  go_on = true;
  counter.join();
  const Observation seen = Read(tally);
  CHECK_EQ(seen.calls.size(), size_t{2});
  CHECK_EQ(seen.tuples.size(), size_t{1});
}

// For the thread sanitizer; and what is read never goes back.
TEST(OneThreadReadsWhileAnotherCounts) {
  Tally tally;
  CHECK(tally.Track({{Abi::kX86_64, kSocket, false, {0}, {0xff}}}).ok());
  constexpr uint32_t kRounds = 20'000;
  std::atomic<bool> done = false;
  std::thread counter([&] {
    tally.Begin();
    for (uint32_t i = 0; i < kRounds; i++) {
      const uint32_t slot = tally.ApplicationSlot("/" + std::to_string(i % 50));
      tally.Count(slot, Abi::kX86_64, kSocket, {i}, nullptr);
      tally.Count(slot, Abi::kI386, i % 300, {}, nullptr);
      if (i % 1000 == 0) tally.Started();
      if (i % 1000 == 0) tally.LoseCalls(1);
    }
    tally.End();
    done = true;
  });
  uint64_t before = 0;
  double elapsed = 0;
  int reads = 0;
  for (bool last = false; !last;) {
    last = done;
    const Observation seen = Read(tally);
    uint64_t sum = 0;
    for (const Call& call : seen.calls) {
      sum += call.count;
      CHECK(Find(seen, call.slot) != nullptr);
    }
    CHECK(sum >= before && seen.elapsed_ms >= elapsed && seen.newest_ms <= seen.elapsed_ms);
    before = sum;
    elapsed = seen.elapsed_ms;
    reads++;
  }
  counter.join();
  CHECK(reads > 1);
  CHECK_EQ(before, uint64_t{2} * kRounds);
  const Observation seen = Read(tally);
  CHECK_EQ(seen.starts, uint64_t{kRounds / 1000});
  CHECK_EQ(seen.lost.calls, uint64_t{kRounds / 1000});
  uint64_t kept = 0;
  for (const Tuple& tuple : seen.tuples) kept += tuple.count;
  for (const TupleLoss& loss : seen.tuple_losses) kept += loss.count;
  CHECK_EQ(kept, uint64_t{kRounds});
}

}  // namespace
}  // namespace sysieve::test

int main() { return sysieve::test::RunAll(); }
