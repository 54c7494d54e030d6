/** Changes between two policies: complete, exact in their arguments, and short where that is possible. */
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import {
  type Answer,
  answerOf,
  type Call,
  callsAnswered,
  changes,
  inAreas,
  type Policy,
  policyOfProfile,
} from '../../src/policy';
import type { Profile } from '../../src/profile';
import { auditArch, syscallNumber } from '../../src/tables';
import { SAMPLES, U64 } from '../support/policies';

function profile(...syscalls: Partial<Profile['syscalls'][number]>[]): Profile {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: [] },
      ...syscalls.map((rule) => ({
        names: ['socket'],
        action: 'SCMP_ACT_ALLOW' as const,
        args: [],
        ...rule,
      })),
    ],
  };
}

type Args = Profile['syscalls'][number]['args'];
function when(index: number, op: Args[number]['op'], value: bigint, valueTwo = 0n): { args: Args } {
  return { args: [{ index, op, value, valueTwo }] };
}

const policy = (made: Profile): Policy =>
  policyOfProfile(made, { runtime: 'crun', machine: 'x86_64' });
const passes = ({ action }: Answer): boolean => action === 'allow';
const direction = (before: Answer, after: Answer): 'more' | 'less' | null => {
  if (passes(before) === passes(after)) return null;
  return passes(after) ? 'more' : 'less';
};

function shown(before: Profile, after: Profile) {
  return changes(policy(before), policy(after), direction)
    .filter(({ abi, first }) => abi === 'x86_64' && first === syscallNumber('x86_64', 'socket'))
    .map(({ class: name, areas }) => [name, areas]);
}

const NONE = profile();

it.each<[string, Profile, unknown]>([
  ['every call', profile({}), []],
  [
    'a value',
    profile(when(0, 'SCMP_CMP_EQ', 16n)),
    [{ index: 0, set: { kind: 'values', values: [16n] } }],
  ],
  [
    'all but a value',
    profile(when(0, 'SCMP_CMP_NE', 40n)),
    [{ index: 0, set: { kind: 'except', set: { kind: 'values', values: [40n] } } }],
  ],
  [
    'bits',
    profile(when(1, 'SCMP_CMP_MASKED_EQ', 0x7e020000n, 0n)),
    [{ index: 1, set: { kind: 'bits', cubes: [{ mask: 0x7e020000n, value: 0n }] } }],
  ],
  [
    'a range',
    profile(when(2, 'SCMP_CMP_GT', 100n)),
    [{ index: 2, set: { kind: 'ranges', ranges: [[101n, (1n << 64n) - 1n]] } }],
  ],
])('shows %s shortly', (_, after, area) => {
  expect(shown(NONE, after)).toEqual([['more', [area]]]);
  expect(shown(after, NONE)).toEqual([['less', [area]]]);
});

it('tells the values that pass now from those that no longer do', () => {
  const before = profile(when(0, 'SCMP_CMP_EQ', 1n), when(0, 'SCMP_CMP_EQ', 2n));
  const after = profile(when(0, 'SCMP_CMP_EQ', 2n), when(0, 'SCMP_CMP_EQ', 16n));
  const value = (one: bigint) => [[{ index: 0, set: { kind: 'values', values: [one] } }]];
  expect(shown(before, after)).toEqual(
    expect.arrayContaining([
      ['less', value(1n)],
      ['more', value(16n)],
    ]),
  );
});

it('shows 32-bit registers with 32 bits', () => {
  const after = profile(when(0, 'SCMP_CMP_EQ', 16n));
  const number = syscallNumber('i386', 'socket');
  const found = changes(policy(NONE), policy(after), direction).find(
    ({ abi, first }) => abi === 'i386' && first === number,
  );
  expect(found?.areas).toEqual([[{ index: 0, set: { kind: 'values', values: [16n] } }]]);
});

it('says which calls of a number are answered in a way', () => {
  const made = policy(profile(when(0, 'SCMP_CMP_LE', 3n)));
  const call = { arch: auditArch('x86_64'), nr: syscallNumber('x86_64', 'socket') as number };
  expect(callsAnswered(made, call, passes)).toEqual([
    [{ index: 0, set: { kind: 'values', values: [0n, 1n, 2n, 3n] } }],
  ]);
});

function decided(made: Profile, context: Parameters<typeof policyOfProfile>[1]): Policy | null {
  try {
    return policyOfProfile(made, context);
  } catch (error) {
    if (error instanceof SysieveError && error.kind === 'input') return null;
    throw error;
  }
}

it('500 random pairs: every call is in the class of its answers, and in no other', () => {
  let judged = 0;
  let inexpressible = 0;
  fc.assert(
    fc.property(
      SAMPLES,
      SAMPLES,
      fc.array(U64, { minLength: 30, maxLength: 30 }),
      (a, b, values) => {
        const before = decided(a.profile, a.context);
        const after = decided(b.profile, a.context);
        fc.pre(before !== null && after !== null);
        if (before === null || after === null) return;
        for (const change of changes(before, after, direction)) {
          const { arch, first, last, witness } = change;
          const at = (call: Call) => direction(answerOf(before, call), answerOf(after, call));
          expect(at(witness)).toBe(change.class);
          expect(at({ ...witness, nr: last })).toBe(change.class);
          if (change.areas === null) {
            inexpressible += 1;
            continue;
          }
          expect(inAreas(change.areas, witness)).toBe(true);
          const narrow = change.abi === 'i386' || change.abi === 'arm' || change.abi === 'x32';
          const named = [...a.profile.syscalls, ...b.profile.syscalls].flatMap(({ args }) =>
            args.flatMap(({ value, valueTwo }) => [value, valueTwo, value & valueTwo]),
          );
          const pool = [...values, ...named].map((value) =>
            narrow ? BigInt.asUintN(32, value) : value,
          );
          for (let round = 0; round < 40; round += 1) {
            const args = [0, 1, 2, 3, 4, 5].map((index) =>
              round % 4 === 0 && index > 0
                ? 0n
                : (pool[(7 * round + 13 * index) % pool.length] as bigint),
            );
            const call = { arch, nr: first, args };
            expect([call, inAreas(change.areas, call)]).toEqual([call, at(call) === change.class]);
            judged += 1;
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(judged).toBeGreaterThan(10_000);
  expect(inexpressible).toBeLessThan(judged / 1000);
});
