// What lies in the data of a file: numbers, and tables of them.
#ifndef SYSIEVE_REACH_STORED_H_
#define SYSIEVE_REACH_STORED_H_

#include <cstdint>

#include "reach/code.h"
#include "reach/elf.h"
#include "reach/state.h"

namespace sysieve::reach {

// The number at an address. What may be written to later holds at first what the file has, and then
// perhaps anything.
Held Stored(const Elf& elf, uint64_t address, unsigned bits);

// The numbers from there to the next place whose address code takes: a table, of which one does not
// know which is read. A place that the loader fills holds an address, which is no number. Of tables
// that the loader may have changed only what could be a call is taken, and that there may be other
// things is said.
Held StoredTable(const Elf& elf, const Code& code, uint64_t address, unsigned bits);

}  // namespace sysieve::reach

#endif  // SYSIEVE_REACH_STORED_H_
