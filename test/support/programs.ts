/** Classic BPF for tests: assembled, and random but such as the kernel takes. */
import fc from 'fast-check';

/** code, jt, jf, k */
export type Instruction = [code: number, jt: number, jf: number, k: number];

export function program(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(8 * instructions.length);
  instructions.forEach(([code, jt, jf, k], place) => {
    bytes.writeUInt16LE(code, 8 * place);
    bytes.writeUInt8(jt, 8 * place + 2);
    bytes.writeUInt8(jf, 8 * place + 3);
    bytes.writeUInt32LE(k >>> 0, 8 * place + 4);
  });
  return bytes;
}

const K = fc.oneof(
  fc.constantFrom(0, 1, 2, 110, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, 0x40000000, 0xc000003e),
  fc.integer({ min: 0, max: 600 }),
);
const LOAD = fc.integer({ min: 0, max: 15 }).map((word): Instruction => [0x20, 0, 0, 4 * word]);
const WORD = fc.integer({ min: 0, max: 3 });
const PLAIN: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 6, arbitrary: LOAD },
  // ADD, SUB, OR, AND, XOR with a constant and with X.
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(0x04, 0x14, 0x44, 0x54, 0xa4, 0x0c, 0x1c, 0x4c, 0x5c, 0xac), K)
      .map(([code, k]): Instruction => [code, 0, 0, k]),
  },
  // LSH, RSH; DIV and MUL by small constants, DIV by X.
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x64, 0x74), fc.integer({ min: 0, max: 31 }))
      .map(([code, k]): Instruction => [code, 0, 0, k]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0x34, 0x24), fc.integer({ min: 1, max: 16 }))
      .map(([code, k]): Instruction => [code, 0, 0, k]),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Instruction>([0x84, 0, 0, 0], [0x80, 0, 0, 0], [0x81, 0, 0, 0]),
  },
  { weight: 2, arbitrary: fc.constantFrom<Instruction>([0x07, 0, 0, 0], [0x87, 0, 0, 0]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x00, 0x01), K)
      .map(([code, k]): Instruction => [code, 0, 0, k]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(0x02, 0x03, 0x60, 0x61), WORD)
      .map(([code, k]): Instruction => [code, 0, 0, k]),
  },
  // LSH, RSH and DIV by X, after X was given a value that keeps them small.
  { weight: 1, arbitrary: fc.constantFrom<Instruction>([0x6c, 0, 0, 0], [0x7c, 0, 0, 0]) },
);
const JUMP = fc
  .tuple(
    fc.constantFrom(0x15, 0x25, 0x35, 0x45, 0x1d, 0x2d, 0x3d, 0x4d),
    fc.integer({ min: 0, max: 6 }),
    fc.integer({ min: 0, max: 6 }),
    K,
  )
  .map(([code, jt, jf, k]): Instruction => [code, jt, jf, k]);
const RETURN = fc
  .constantFrom(
    0x7fff0000,
    0x00050001,
    0x0005000d,
    0x00030007,
    0x7ffc0000,
    0x7ff00002,
    0x80000000,
    0x7ffe0000,
    0,
  )
  .map((k): Instruction => [0x06, 0, 0, k]);

/** All words of memory are written first; jumps stay inside. */
export const PROGRAMS: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: PLAIN },
      { weight: 4, arbitrary: JUMP },
      { weight: 1, arbitrary: RETURN },
    ),
    { minLength: 3, maxLength: 24 },
  )
  .chain((body) => fc.tuple(fc.constant(body), RETURN))
  .map(([body, end]) => {
    const stores = [0, 1, 2, 3].map((word): Instruction => [0x02, 0, 0, word]);
    const all = [...stores, ...body, end];
    const last = all.length - 1;
    return program(
      all.map(
        ([code, jt, jf, k], place): Instruction =>
          (code & 7) === 5
            ? [code, Math.min(jt, last - place - 1), Math.min(jf, last - place - 1), k]
            : [code, jt, jf, k],
      ),
    );
  });
