// The code of a file, swept once: which functions there are, and what each refers to.
#ifndef SYSIEVE_REACH_CODE_H_
#define SYSIEVE_REACH_CODE_H_

#include <Zydis/Zydis.h>

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "reach/elf.h"

namespace sysieve::reach {

enum class Gate : uint8_t { kSyscall, kSysenter, kInt80 };

// What one instruction refers to.
struct Event {
  enum class Kind : uint8_t {
    kCall,        // target: an address
    kJump,        // of any kind, to an address
    kCallImport,  // target: the index of a dynamic symbol; a tail jump, too
    kTake,        // target: an address of code, as a value
    kTakeImport,  // target: the index of a dynamic symbol
    kGate,        // target: a Gate
    kIndirect,    // a call or jump to what is known at run time alone
  };
  uint64_t at;
  uint64_t target;
  Kind kind;
  bool tail;  // a jump: what is called returns to the caller's caller
};

struct Function {
  uint64_t start;
  uint64_t end;
  bool landing_pads = false;
  bool known = false;  // by unwind tables or symbols; else cut out of what lies between
  bool cut = false;    // the second part of what tables have as one
  std::string name;    // empty: none
  std::vector<Event> events;
};

struct Code {
  std::vector<Function> functions;  // by start, without overlap
  std::vector<uint64_t> taken;      // starts of functions whose address lies in data
  std::set<uint32_t> taken_imports;
  std::vector<uint64_t> referred_data;  // places in data whose address code takes, sorted
  uint64_t undecoded = 0;               // bytes
  bool go = false;

  // Index of the function an address lies in; -1: none.
  [[nodiscard]] int64_t Find(uint64_t address) const;
};

// Nothing runs on behind it.
bool Stops(const ZydisDecodedInstruction& instruction);

Code Sweep(const Elf& elf);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_CODE_H_
