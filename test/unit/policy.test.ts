/** Laws of the policy's operations, symbolic execution against the interpreter, and what is refused. */
import fc from 'fast-check';
import { addon } from '../../src/capture/binding';
import { SysieveError } from '../../src/errors';
import { compile } from '../../src/libseccomp';
import {
  type Answer,
  answerOf,
  type Call,
  contains,
  differences,
  equal,
  findCall,
  intersection,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
  union,
} from '../../src/policy';
import { answerOfWord } from '../../src/policy/answers';
import type { Profile } from '../../src/profile';
import { ProfileSchema } from '../../src/profile/schema';
import { auditArch } from '../../src/tables';
import { ARCHS, NUMBERS, packed, SAMPLES, U64 } from '../support/policies';
import { processorMs } from '../support/processor';
import { type Instruction, PROGRAMS, program } from '../support/programs';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const RUNC = { runtime: 'runc', machine: 'x86_64' } as const;
const X86_64 = auditArch('x86_64');
const GETPPID = 110;

const oci = (draft: object): Profile => ProfileSchema.parse(draft);
const failure = (make: () => unknown): SysieveError => {
  try {
    make();
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

/** Decided ones alone; those that are not are the oracle test's. */
const POLICIES: fc.Arbitrary<Policy> = SAMPLES.map(({ profile, context }) => {
  try {
    return policyOfProfile(profile, context);
  } catch (error) {
    if (error instanceof SysieveError) return null;
    throw error;
  }
}).filter((policy) => policy !== null);

const CALLS: fc.Arbitrary<Call> = fc.record({
  arch: fc.constantFrom(...ARCHS),
  nr: fc.constantFrom(...NUMBERS),
  args: fc.array(U64, { minLength: 6, maxLength: 6 }),
});

const ORDER = ['kill_process', 'kill_thread', 'trap', 'errno', 'notify', 'trace', 'log', 'allow'];
const rank = ({ action }: Answer): number => ORDER.indexOf(action);
const executes = (answer: Answer): boolean => rank(answer) >= ORDER.indexOf('log');

describe('the algebra', () => {
  it('answers the stricter of two under intersection, the more permissive under union', () => {
    fc.assert(
      fc.property(POLICIES, POLICIES, fc.array(CALLS, { minLength: 20 }), (a, b, calls) => {
        const both = intersection(a, b);
        const either = union(a, b);
        for (const call of calls) {
          const [x, y] = [answerOf(a, call), answerOf(b, call)];
          expect(answerOf(both, call)).toEqual(rank(x) < rank(y) ? x : y);
          expect(answerOf(either, call)).toEqual(rank(x) > rank(y) ? x : y);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is associative and idempotent, and commutative but for data', () => {
    fc.assert(
      fc.property(POLICIES, POLICIES, POLICIES, (a, b, c) => {
        for (const join of [intersection, union]) {
          expect(equal(join(a, a), a)).toBe(true);
          expect(equal(join(join(a, b), c), join(a, join(b, c)))).toBe(true);
          for (const { before, after } of differences(join(a, b), join(b, a))) {
            expect(before.action).toBe(after.action);
          }
        }
        expect(equal(intersection(a, union(b, a)), a)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('finds no difference exactly where two are equal, and each where it says', () => {
    fc.assert(
      fc.property(POLICIES, POLICIES, fc.array(CALLS, { minLength: 20 }), (a, b, calls) => {
        const found = differences(a, b);
        expect(found.length === 0).toBe(equal(a, b));
        expect(differences(a, a)).toEqual([]);
        for (const { arch, first, last, witness, before, after } of found) {
          expect(before).not.toEqual(after);
          expect(witness.arch).toBe(arch);
          expect(witness.nr).toBe(first);
          expect(answerOf(a, witness)).toEqual(before);
          expect(answerOf(b, witness)).toEqual(after);
          const end = { ...witness, nr: last };
          expect([answerOf(a, end), answerOf(b, end)]).toEqual([before, after]);
        }
        // And no other: every call that differs is in a range, with its pair of answers.
        for (const call of calls) {
          const [x, y] = [answerOf(a, call), answerOf(b, call)];
          if (JSON.stringify(x) === JSON.stringify(y) || !ARCHS.slice(0, 4).includes(call.arch)) {
            continue;
          }
          expect(found).toContainEqual(
            expect.objectContaining({ arch: call.arch, before: x, after: y }),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('contains what it must, or shows what not', () => {
    fc.assert(
      fc.property(POLICIES, POLICIES, (a, b) => {
        const result = contains(a, b);
        if (result.holds) {
          for (const { before, after } of differences(a, b)) {
            expect(executes(before) || !executes(after)).toBe(true);
          }
        } else {
          expect(executes(answerOf(b, result.witness))).toBe(true);
          expect(executes(answerOf(a, result.witness))).toBe(false);
        }
        expect(contains(union(a, b), a)).toEqual({ holds: true });
        expect(contains(a, intersection(a, b))).toEqual({ holds: true });
      }),
      { numRuns: 300 },
    );
  });

  it('finds a call of a region if there is one', () => {
    const masked = fc.record({ index: fc.integer({ min: 0, max: 2 }), mask: U64, value: U64 });
    const constraints = fc.array(masked, { maxLength: 3 });
    fc.assert(
      fc.property(
        POLICIES,
        constraints,
        fc.array(U64, { minLength: 18, maxLength: 18 }),
        (policy, drawn, values) => {
          const region = { abi: 'x86_64', number: GETPPID, constraints: drawn } as const;
          const inside = (args: readonly bigint[]): boolean =>
            drawn.every(({ index, mask, value }) => ((args[index] as bigint) & mask) === value);
          const found = findCall(policy, region, (answer) => executes(answer));
          if (found !== null) {
            expect(inside(found.call.args ?? [])).toBe(true);
            expect(answerOf(policy, found.call)).toEqual(found.answer);
            expect(executes(found.answer)).toBe(true);
            return;
          }
          for (let at = 0; at < values.length; at += 3) {
            const args = values.slice(at, at + 3);
            for (const { index, mask, value } of drawn) {
              args[index] = ((args[index] as bigint) & ~mask) | (value & mask);
            }
            if (!inside(args)) continue;
            expect(executes(answerOf(policy, { arch: X86_64, nr: GETPPID, args }))).toBe(false);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('programs', () => {
  it(
    'mean what the interpreter answers',
    () => {
      let decided = 0;
      const runs = SOAK ? 20_000 : 300;
      fc.assert(
        fc.property(PROGRAMS, fc.array(CALLS, { minLength: 40, maxLength: 40 }), (bytes, calls) => {
          let policy: Policy;
          try {
            policy = policyOfPrograms([bytes]);
          } catch (error) {
            expect(error).toMatchObject({ kind: 'input', code: 'filter-undecided' });
            return;
          }
          decided += 1;
          const words = addon().runFilter(bytes, packed(calls));
          calls.forEach((call, place) => {
            expect(answerOf(policy, call)).toEqual(answerOfWord(words[place] as number));
          });
        }),
        { numRuns: runs },
      );
      expect(decided).toBeGreaterThan(0.9 * runs);
    },
    SOAK ? 3600_000 : 240_000,
  );

  const ret = (k: number): Instruction => [0x06, 0, 0, k];
  const answerTo = (programs: Buffer[], call: Partial<Call> = {}): Answer =>
    answerOf(policyOfPrograms(programs), { arch: X86_64, nr: 0, ...call });

  it('are stacked as the kernel stacks them', () => {
    const of = (word: number): Buffer => program([ret(word)]);
    expect(answerTo([])).toEqual({ action: 'allow', data: 0 });
    expect(answerTo([of(0x7fff0005)])).toEqual({ action: 'allow', data: 0 });
    expect(answerTo([of(0x00050001), of(0x00050026)])).toEqual({ action: 'errno', data: 38 });
    expect(answerTo([of(0x00050001), of(0x7fff0000)])).toEqual({ action: 'errno', data: 1 });
    expect(answerTo([of(0x80000000), of(0)])).toEqual({ action: 'kill_process', data: 0 });
    // An unknown action has the place of its number among the others, and then kills the process.
    expect(answerTo([of(0x7ffe0000)])).toEqual({ action: 'kill_process', data: 0 });
    expect(answerTo([of(0x7ffe0000), of(0x00050001)])).toEqual({ action: 'errno', data: 1 });
    expect(answerTo([of(0x00010000), of(0x00050001)])).toEqual({ action: 'kill_process', data: 0 });
  });

  it('see both halves of every argument and of the instruction pointer', () => {
    for (let offset = 8; offset < 64; offset += 4) {
      const bytes = program([[0x20, 0, 0, offset], [0x15, 0, 1, 7], ret(0x7fff0000), ret(0)]);
      const value = (offset & 4) === 0 ? 7n : 7n << 32n;
      const args = [0n, 0n, 0n, 0n, 0n, 0n];
      if (offset >= 16) args[(offset - 16) >> 3] = value;
      const call = offset < 16 ? { instructionPointer: value } : { args };
      expect(answerTo([bytes], call).action).toBe('allow');
      expect(answerTo([bytes]).action).toBe('kill_thread');
    }
  });

  it.each([
    ['no instruction', program([]), 'no program'],
    ['no whole instruction', Buffer.alloc(12), 'no program'],
    ['4097 instructions', program(Array(4097).fill(ret(0))), 'no program'],
    ['no return at the end', program([[0x20, 0, 0, 0]]), 'instruction 0: the last'],
    ['an odd offset', program([[0x20, 0, 0, 2], ret(0)]), 'instruction 0 (code 0x20'],
    ['an offset behind the data', program([[0x20, 0, 0, 64], ret(0)]), 'seccomp_data'],
    ['a load of a byte', program([[0x30, 0, 0, 0], ret(0)]), 'no such instruction'],
    ['a modulo', program([[0x94, 0, 0, 3], ret(0)]), 'no such operation'],
    ['a division by 0', program([[0x34, 0, 0, 0], ret(0)]), 'divides by 0'],
    ['a shift by 32', program([[0x64, 0, 0, 32], ret(0)]), 'shifts'],
    ['a jump behind the end', program([[0x05, 0, 0, 1], ret(0)]), 'jumps'],
    ['a branch behind the end', program([[0x15, 0, 1, 1], ret(0)]), 'jumps'],
    ['memory word 16', program([[0x02, 0, 0, 16], ret(0)]), 'scratch memory'],
    ['memory not written', program([[0x60, 0, 0, 3], ret(0)]), 'not be written'],
  ])('with %s are refused, as the kernel does', (_, bytes, says) => {
    const error = failure(() => policyOfPrograms([bytes]));
    expect(error).toMatchObject({ kind: 'input', code: 'filter-invalid' });
    expect(error.message).toContain(says);
    expect(() => addon().runFilter(bytes, packed([{ arch: 0, nr: 0 }]))).toThrow();
  });

  it('too entangled are refused in time, with the instruction', () => {
    // The product of two arguments, compared bit by bit.
    const bytes = program([
      [0x20, 0, 0, 16],
      [0x07, 0, 0, 0],
      [0x20, 0, 0, 24],
      [0x2c, 0, 0, 0],
      [0x15, 0, 1, 0x12345678],
      ret(0x7fff0000),
      ret(0),
    ]);
    const started = processorMs();
    const error = failure(() => policyOfPrograms([bytes]));
    expect(error).toMatchObject({ kind: 'input', code: 'filter-undecided' });
    expect(error.message).toContain('instruction 3');
    // Not a measurement: it is bounded, and does not hang.
    expect(processorMs() - started).toBeLessThan(60_000);
  });

  it('of the greatest length are decided', () => {
    const list = Array.from({ length: 4094 }, (_, nr): Instruction[] => [[0x15, 0, 0, nr * 3]]);
    const last = list.length - 1;
    const jumps = list
      .flat()
      .map(([code, , , k], at): Instruction => [code, last - at < 255 ? last - at : 0, 0, k]);
    const policy = policyOfPrograms([program([[0x20, 0, 0, 0], ...jumps, ret(0x7fff0000)])]);
    expect(answerOf(policy, { arch: 0, nr: 9 }).action).toBe('allow');
  });
});

describe('profiles', () => {
  const getppid = (args: object[], action = 'SCMP_ACT_ALLOW', errnoRet?: number): object => ({
    names: ['getppid'],
    action,
    args,
    ...(errnoRet === undefined ? {} : { errnoRet }),
  });
  const equals = (index: number, value: bigint): object => ({ index, op: 'SCMP_CMP_EQ', value });
  const deny = (...syscalls: object[]): Profile =>
    oci({ defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'], syscalls });
  const crun = { ...RUNC, runtime: 'crun' } as const;
  const to = (profile: Profile, args: bigint[], context: typeof RUNC | typeof crun = RUNC) =>
    answerOf(policyOfProfile(profile, context), { arch: X86_64, nr: GETPPID, args }).action;

  it('with seven conditions differ by runtime', () => {
    const seven = deny(
      getppid([0, 1, 2, 3, 4, 5, 0].map((index, at) => equals(index, BigInt(at + 1)))),
    );
    const six = [1n, 2n, 3n, 4n, 5n, 6n];
    expect(to(seven, six, crun)).toBe('allow');
    expect(to(seven, [1n], crun)).toBe('errno');
    expect(to(seven, [1n])).toBe('allow');
    expect(to(seven, [7n])).toBe('allow');
    expect(to(seven, [2n])).toBe('errno');
  });

  it.each([
    ['that answer one call differently', [equals(0, 1n)], [equals(1, 1n)], 'defines no order'],
    [
      'that share a comparison and go on',
      [{ index: 0, op: 'SCMP_CMP_GT', value: 5n }, equals(1, 1n)],
      [{ index: 0, op: 'SCMP_CMP_GT', value: 9n }, equals(1, 2n)],
      'mix up',
    ],
    [
      'of which libseccomp drops one',
      [equals(0, 2n), equals(1, 2n)],
      [{ index: 1, op: 'SCMP_CMP_NE', value: 2n }],
      'then drop',
    ],
    [
      'whose code looks at the wrong half',
      [{ index: 0, op: 'SCMP_CMP_LE', value: 1n }],
      [{ index: 0, op: 'SCMP_CMP_GT', value: (1n << 63n) - 1n }],
      'wrong half',
    ],
  ])('with two entries %s are refused, both named', (_, first, second, says) => {
    const action = says === 'defines no order' ? 'SCMP_ACT_LOG' : 'SCMP_ACT_ALLOW';
    const profile = deny(getppid(first), getppid(second, action));
    const error = failure(() => policyOfProfile(profile, RUNC));
    expect(error).toMatchObject({ kind: 'input', code: 'rules-undecided' });
    expect(error.message).toMatch(/^syscalls\[0\] and syscalls\[1\]: .*getppid/);
    expect(error.message).toContain(says);
    expect(error.remedy).toBeDefined();
  });

  it('whose code libseccomp merges are refused: it permits what no rule does', () => {
    const of = (name: string, args: object[]): object => ({
      ...getppid(args),
      names: [name],
    });
    const profile = deny(
      ...[5n, 7n, 8n, 9n, 10n].map((value) => of('getppid', [equals(0, value)])),
      of('getpgrp', [equals(0, 7n), equals(1, 1n)]),
      of('getpgrp', [equals(0, 5n)]),
    );
    expect(failure(() => policyOfProfile(profile, RUNC))).toMatchObject({
      code: 'rules-undecided',
      message: expect.stringContaining('into one place'),
    });
    // Once this fails, libseccomp has changed, and what is refused may be too much.
    const installed = policyOfPrograms([compile(profile).program]);
    const neither = { arch: X86_64, nr: 111, args: [7n, 5n] };
    expect(answerOf(installed, neither).action).toBe('allow');
  });

  it('that a runtime refuses are refused', () => {
    const errnoOnAllow = deny(getppid([], 'SCMP_ACT_ALLOW', 5));
    expect(to(errnoOnAllow, [])).toBe('allow');
    expect(failure(() => to(errnoOnAllow, [], crun)).code).toBe('profile-refused');
    const notifyWrite = deny({ names: ['write'], action: 'SCMP_ACT_NOTIFY', args: [] });
    expect(failure(() => to(notifyWrite, [])).code).toBe('profile-refused');
    expect(to(notifyWrite, [], crun)).toBe('errno');
    const large = deny(getppid([], 'SCMP_ACT_ERRNO', 4095));
    expect(failure(() => to(large, [])).code).toBe('profile-refused');
    const riscv = oci({ defaultAction: 'SCMP_ACT_LOG', architectures: ['SCMP_ARCH_RISCV64'] });
    expect(failure(() => to(riscv, [])).code).toBe('architecture-without-table');
  });

  it('whose conditions are entangled are refused in time', () => {
    const entry = (bit: bigint): object => {
      const at = { op: 'SCMP_CMP_MASKED_EQ', value: 1n << bit, valueTwo: 1n << bit };
      return getppid([
        { index: 0, ...at },
        { index: 1, ...at },
      ]);
    };
    const profile = deny(...Array.from({ length: 64 }, (_, bit) => entry(BigInt(bit))));
    expect(failure(() => policyOfProfile(profile, RUNC)).code).toBe('policy-too-large');
  });
});
