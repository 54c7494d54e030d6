/**
 * The native interpreter against the one in TypeScript, on programs that libseccomp compiles, and
 * at the boundary that TypeScript sees. native/test holds it against the kernel.
 */
import fc from 'fast-check';
import { runFilter } from '../../src/capture/filter';
import { SysieveError } from '../../src/errors';
import { compile, evaluate } from '../../src/libseccomp';
import { policyOfProfile } from '../../src/policy';
import type { Profile } from '../../src/profile';

const soak = process.env.SYSIEVE_SOAK === '1';

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const X32_BIT = 0x40000000;

function instruction(code: number, k: number, jt = 0, jf = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(jt, 2);
  bytes.writeUInt8(jf, 3);
  bytes.writeUInt32LE(k, 4);
  return bytes;
}

const RETURN_A = instruction(0x16, 0);

const edge = fc.oneof(
  fc.constantFrom(0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 2n ** 63n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const name = fc.constantFrom('read', 'socket', 'clone', 'mmap', 'ioctl', 'personality', 'openat');
const profiles: fc.Arbitrary<Profile> = fc
  .record({
    // libseccomp takes none from 4095 on.
    errno: fc.integer({ min: 0, max: 4094 }),
    rules: fc.array(
      fc.record({
        name,
        args: fc.uniqueArray(
          fc.record({
            index: fc.integer({ min: 0, max: 5 }),
            value: edge,
            valueTwo: edge,
            op: fc.constantFrom(
              ...(['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const).map(
                (op) => `SCMP_CMP_${op}` as const,
              ),
            ),
          }),
          { maxLength: 2, selector: ({ index }) => index },
        ),
      }),
      { maxLength: 12 },
    ),
  })
  .map(({ errno, rules }) => ({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: errno,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: rules.map(({ name, args }) => ({ names: [name], action: 'SCMP_ACT_ALLOW', args })),
  }));

const calls = fc.array(
  fc.record({
    arch: fc.constantFrom(X86_64, I386, 0xc00000b7),
    nr: fc.oneof(fc.nat(500), fc.constantFrom(41, 56, 9, 16, 135, 359, 0xffffffff)),
    args: fc.array(edge, { maxLength: 6 }),
    instructionPointer: edge,
  }),
  { minLength: 1, maxLength: 64 },
);

function decided(profile: Profile): boolean {
  try {
    policyOfProfile(profile, { runtime: 'runc', machine: 'x86_64' });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'rules-undecided' });
    return false;
  }
}

test('both answer alike whatever libseccomp compiles', () => {
  const runs = soak ? 20_000 : 2_000;
  let compared = 0;
  fc.assert(
    fc.property(profiles, calls, fc.boolean(), (profile, some, x32) => {
      // What the policy refuses may be what libseccomp does not come back from.
      if (!decided(profile)) return;
      compared += 1;
      const { program } = compile(profile);
      const asked = some.map((call) => ({
        ...call,
        nr: x32 && call.arch === X86_64 ? (call.nr | X32_BIT) >>> 0 : call.nr,
      }));
      const answers = asked.map((call) => evaluate(program, call).action);
      expect([...runFilter(program, asked)]).toEqual(answers);
    }),
    { numRuns: runs },
  );
  expect(compared).toBeGreaterThan(runs / 2);
});

test('an action that no kernel knows is passed on', () => {
  expect([...runFilter(instruction(0x06, 0x12345678), [{ arch: 0, nr: 0 }])]).toEqual([0x12345678]);
});

test('every field of a call arrives, and calls do not run into each other', () => {
  const word = (offset: number) =>
    runFilter(Buffer.concat([instruction(0x20, offset), RETURN_A]), [
      { arch: 0x11, nr: 0xffffffff, instructionPointer: 0x2222222233333333n },
      { arch: 0, nr: 7, args: [1n, 2n, 3n, 4n, 5n, 0x6666666677777777n] },
      { arch: 0xffffffff, nr: 0 },
    ]);
  expect([...word(0)]).toEqual([0xffffffff, 7, 0]);
  expect([...word(4)]).toEqual([0x11, 0, 0xffffffff]);
  expect([...word(8)]).toEqual([0x33333333, 0, 0]);
  expect([...word(12)]).toEqual([0x22222222, 0, 0]);
  expect([...word(56)]).toEqual([0, 0x77777777, 0]);
  expect([...word(60)]).toEqual([0, 0x66666666, 0]);
  expect(runFilter(RETURN_A, [])).toHaveLength(0);
});

test('a program that the kernel refuses says where and why', () => {
  const refusal = (program: Buffer) => {
    try {
      runFilter(program, []);
    } catch (error) {
      if (error instanceof SysieveError) return [error.code, error.exitCode, error.reason];
      throw error;
    }
    throw new Error('taken');
  };
  expect(refusal(Buffer.concat([instruction(0x28, 0), RETURN_A]))).toEqual([
    ...['filter-invalid', 3],
    'load the filter: EINVAL (instruction 0: seccomp has no such operation)',
  ]);
  expect(refusal(Buffer.alloc(0))[2]).toContain('0 instructions');
  expect(refusal(Buffer.alloc(9))[2]).toContain('9 bytes');
});
