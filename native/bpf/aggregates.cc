#include "bpf/aggregates.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <utility>
#include <vector>

namespace sysieve {
namespace {

uint32_t GroupOf(uint32_t slot) { return slot >> SYSIEVE_SLOT_BITS; }
uint32_t LocalSlot(uint32_t slot) { return slot & (SYSIEVE_SLOTS - 1); }

Abi AbiOf(uint8_t abi) {
  switch (abi) {
    case ABI_I386:
      return Abi::kI386;
    case ABI_X32:
      return Abi::kX32;
    default:
      return Abi::kX86_64;
  }
}

uint32_t TrackedAt(Abi abi, uint32_t number) {
  return number | (abi == Abi::kI386 ? SYSIEVE_NUMBERS : 0);
}

double MsSince(uint64_t since_ns, uint64_t ns) {
  return ns > since_ns ? static_cast<double>(ns - since_ns) / 1e6 : 0;
}

using Groups = std::map<uint32_t, Aggregates::Share>;

// Calls `visit` with what belongs to one of the groups; with `erase` it is gone afterwards.
template <typename Key, typename Value, typename GroupOfKey, typename Visit>
void WalkMap(int fd, const Groups& groups, bool erase, GroupOfKey group_of, Visit visit) {
  std::vector<Key> taken;
  Key key{};
  Key next{};
  bool more = bpf_map_get_next_key(fd, nullptr, &next) == 0;
  while (more) {
    key = next;
    Value value{};
    const bool found = bpf_map_lookup_elem(fd, &key, &value) == 0;
    const auto share = found ? groups.find(group_of(key, value)) : groups.end();
    if (share != groups.end()) {
      visit(key, value, share->second);
      if (erase) taken.push_back(key);
    }
    more = bpf_map_get_next_key(fd, &key, &next) == 0;
  }
  // Not before: the walk would begin anew behind a key that is gone.
  for (const Key& gone : taken) bpf_map_delete_elem(fd, &gone);
}

template <typename Visit>
void WalkCalls(int fd, const Groups& groups, bool erase, Visit visit) {
  WalkMap<sysieve_call_key, sysieve_call>(
      fd, groups, erase,
      [](const sysieve_call_key& key, const sysieve_call&) { return GroupOf(key.slot); }, visit);
}

Call CallOf(const sysieve_call_key& key, const sysieve_call& call, uint64_t since_ns) {
  return {LocalSlot(key.slot), AbiOf(key.abi), key.number, call.count,
          MsSince(since_ns, call.first_ns)};
}

}  // namespace

Phase PhaseOf(uint32_t slot) {
  switch (LocalSlot(slot)) {
    case SLOT_SETUP:
      return Phase::kSetup;
    case SLOT_RUNTIME:
      return Phase::kRuntime;
    case SLOT_EXEC_SETUP:
    case SLOT_GUEST:
      return Phase::kExecSetup;
    case SLOT_EXEC:
      return Phase::kExec;
    default:
      return Phase::kApplication;
  }
}

void Aggregates::Open(bpf_object* object) {
  const auto fd = [&](const char* name) {
    return bpf_map__fd(bpf_object__find_map_by_name(object, name));
  };
  other_calls_ = fd("other_calls");
  denied_calls_ = fd("denied_calls");
  tuples_ = fd("tuples");
  tuple_overflow_ = fd("tuple_overflow");
  slot_by_path_ = fd("slot_by_path");
}

void Aggregates::Track(Abi abi, uint32_t number, size_t arguments) {
  arguments_[TrackedAt(abi, number)] = arguments;
}

void Aggregates::Walk(const std::map<uint32_t, Share>& groups, bool erase) {
  for (const auto& [group, share] : groups) {
    for (uint32_t slot = 0; slot <= SLOT_GUEST; slot++) {
      share.out->executables.push_back({slot, "", PhaseOf(slot)});
    }
  }
  WalkMap<sysieve_path, uint32_t>(
      slot_by_path_, groups, erase, [](const sysieve_path& key, uint32_t) { return key.group; },
      [](sysieve_path key, uint32_t slot, const Share& share) {
        key.text[sizeof(key.text) - 1] = '\0';
        share.out->executables.push_back({LocalSlot(slot), key.text, PhaseOf(slot)});
      });
  WalkCalls(other_calls_, groups, erase,
            [](const sysieve_call_key& key, const sysieve_call& call, const Share& share) {
              share.out->calls.push_back(CallOf(key, call, share.since_ns));
            });
  WalkCalls(denied_calls_, groups, erase,
            [](const sysieve_call_key& key, const sysieve_call& call, const Share& share) {
              DeniedCall denied;
              static_cast<Call&>(denied) = CallOf(key, call, share.since_ns);
              denied.error = key.error;
              share.out->denied.push_back(denied);
            });
  WalkMap<sysieve_tuple_key, sysieve_tuple>(
      tuples_, groups, erase,
      [](const sysieve_tuple_key& key, const sysieve_tuple&) { return GroupOf(key.slot); },
      [&](const sysieve_tuple_key& key, const sysieve_tuple& seen, const Share& share) {
        const Abi abi = AbiOf(key.abi);
        const auto arguments = arguments_.find(TrackedAt(abi, key.number));
        if (arguments == arguments_.end()) return;
        std::vector<uint32_t> slots;
        for (uint32_t slot = 0; slot < SYSIEVE_SLOTS; slot++) {
          if ((seen.slots[slot / 64] >> (slot % 64) & 1) != 0) slots.push_back(slot);
        }
        share.out->tuples.push_back(
            {PhaseOf(key.slot), abi, key.number, key.denied != 0,
             std::vector<uint64_t>(key.values, key.values + arguments->second), seen.count,
             std::move(slots)});
      });
  WalkCalls(tuple_overflow_, groups, erase,
            [](const sysieve_call_key& key, const sysieve_call& call, const Share& share) {
              share.out->tuple_losses.push_back({PhaseOf(key.slot), AbiOf(key.abi), key.number,
                                                 key.denied != 0, key.error != 0, call.count});
            });
}

}  // namespace sysieve
