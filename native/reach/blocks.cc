#include "reach/blocks.h"

#include <unordered_map>

namespace sysieve::reach {

namespace {

bool TakesStackAddress(const ZydisDecodedInstruction& instruction) {
  const auto& raw = instruction.raw;
  const auto own = [](unsigned reg, unsigned extended) {
    return extended == 0 && (reg == 4 || reg == 5);
  };
  if (instruction.mnemonic == ZYDIS_MNEMONIC_LEA) {
    const bool stack = raw.modrm.rm == 4 ? own(raw.sib.base, raw.rex.B)
                                         : own(raw.modrm.rm, raw.rex.B) && raw.modrm.mod != 0;
    return stack && !own(raw.modrm.reg, raw.rex.R);
  }
  if (instruction.mnemonic != ZYDIS_MNEMONIC_MOV || raw.modrm.mod != 3) return false;
  if (instruction.opcode == 0x89)
    return raw.modrm.reg == 4 && raw.rex.R == 0 && !own(raw.modrm.rm, raw.rex.B);
  return instruction.opcode == 0x8b && raw.modrm.rm == 4 && raw.rex.B == 0 &&
         !own(raw.modrm.reg, raw.rex.R);
}

// One instruction, as far as the shape of its function goes.
struct Piece {
  uint64_t start;
  uint64_t end;
  std::optional<uint64_t> jump;
  bool filler;
  bool stops;
  bool indirect;
};

Piece PieceOf(uint64_t at, const ZydisDecodedInstruction& instruction, const Function& function) {
  const auto category = instruction.meta.category;
  const auto mnemonic = instruction.mnemonic;
  Piece piece{at, at + instruction.length, std::nullopt, false, false, false};
  piece.filler = mnemonic == ZYDIS_MNEMONIC_NOP || mnemonic == ZYDIS_MNEMONIC_INT3;
  piece.stops = Stops(instruction);
  if (category != ZYDIS_CATEGORY_UNCOND_BR && category != ZYDIS_CATEGORY_COND_BR) return piece;
  if ((instruction.attributes & ZYDIS_ATTRIB_IS_RELATIVE) == 0 ||
      instruction.raw.imm[0].size == 0) {
    piece.indirect = true;
    return piece;
  }
  const uint64_t target = piece.end + static_cast<uint64_t>(instruction.raw.imm[0].value.s);
  // One out of the function leads to no block, and ends its own.
  piece.jump = target >= function.start && target < function.end ? target : function.end;
  return piece;
}

// What leads to what, once every block is there.
void Connect(std::vector<Block>& blocks, uint64_t function_end) {
  std::unordered_map<uint64_t, size_t> index;
  for (size_t i = 0; i < blocks.size(); i++) index.emplace(blocks[i].start, i);
  for (Block& block : blocks) {
    const auto lead = [&](uint64_t to) {
      const auto found = index.find(to);
      if (found == index.end()) return;
      block.next.push_back(found->second);
      if (!block.padding || block.entered) blocks[found->second].entered = true;
    };
    if (block.jump) lead(*block.jump);
    if (block.stops) continue;
    if (block.end >= function_end) {
      block.runs_on = true;
    } else {
      lead(block.end);
    }
  }
}

}  // namespace

Shape CutBlocks(const Function& function, std::span<const uint8_t> bytes) {
  Shape shape;
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  std::vector<Piece> pieces;
  std::vector<bool> leaders(bytes.size() + 1, false);
  const auto lead = [&](uint64_t at) {
    if (at - function.start < leaders.size()) leaders[at - function.start] = true;
  };
  for (uint64_t at = function.start; at < function.end;) {
    const uint64_t offset = at - function.start;
    ZydisDecodedInstruction instruction;
    ZydisDecoderContext context;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, bytes.data() + offset,
                                                    bytes.size() - offset, &instruction))) {
      at++;
      lead(at);
      continue;
    }
    shape.escapes = shape.escapes || TakesStackAddress(instruction);
    const Piece piece = PieceOf(at, instruction, function);
    if (piece.jump || piece.stops || piece.indirect) lead(piece.end);
    if (piece.jump) lead(*piece.jump);
    // Padding behind an end is a block of its own.
    if (!piece.filler && !pieces.empty() && pieces.back().filler) lead(at);
    pieces.push_back(piece);
    at = piece.end;
  }
  std::vector<Block>& blocks = shape.blocks;
  for (const Piece& piece : pieces) {
    if (blocks.empty() || leaders[piece.start - function.start]) {
      blocks.push_back({piece.start, piece.end, {}, std::nullopt});
    }
    Block& block = blocks.back();
    block.end = piece.end;
    block.padding = block.padding && piece.filler;
    block.indirect = block.indirect || piece.indirect;
    block.stops = block.stops || piece.stops;
    if (piece.jump && *piece.jump < function.end) block.jump = piece.jump;
  }
  Connect(blocks, function.end);
  return shape;
}

}  // namespace sysieve::reach
