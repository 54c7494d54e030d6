/**
 * The policy of a profile against the filter that libseccomp compiles for it: as a policy, and run
 * by the addon over every number and the values around those that the profile names.
 */
import fc from 'fast-check';
import { addon } from '../../src/capture/binding';
import { SysieveError } from '../../src/errors';
import { type CompileOptions, compile } from '../../src/libseccomp';
import {
  answerOf,
  type Call,
  differences,
  equal,
  type Policy,
  policyOfProfile,
  policyOfPrograms,
} from '../../src/policy';
import { answerOfWord } from '../../src/policy/answers';
import { ABIS, auditArch, syscallNumber, X32_BIT } from '../../src/tables';
import { ARCHS, NUMBERS, packed, SAMPLES, type Sample } from '../support/policies';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const RUNS = SOAK ? 100_000 : 2_000;

const ALL = (1n << 64n) - 1n;

/** Every number of one architecture after the other; the arguments differ from sweep to sweep. */
const SWEEPS = [0n, 1n, 2n, (1n << 31n) - 1n, 1n << 32n, ALL].flatMap((value) =>
  ARCHS.map((arch) => {
    const calls = NUMBERS.map((nr): Call => ({ arch, nr, args: Array(6).fill(value) }));
    return { calls, bytes: packed(calls) };
  }),
);

/** Calls that the entries name, with the values they name, their neighbours and their other halves. */
function around({ profile }: Sample, random: () => number): Call[] {
  const values = [0n, 1n, 1n << 31n, 1n << 32n, ALL];
  for (const { value, valueTwo } of profile.syscalls.flatMap(({ args }) => args)) {
    for (const named of [value, valueTwo]) {
      values.push(named, named + 1n, named - 1n, named ^ (1n << 32n), named & 0xffffffffn);
    }
    values.push(value & valueTwo, valueTwo | ~value);
  }
  const pick = (): bigint =>
    BigInt.asUintN(64, values[Math.floor(random() * values.length)] as bigint);
  const numbers = new Set(
    profile.syscalls.flatMap(({ names }) =>
      names.flatMap((name) =>
        ABIS.flatMap((abi) => {
          const number = syscallNumber(abi, name);
          const nr = abi === 'x32' ? (number ?? 0) | X32_BIT : number;
          return number === null ? [] : [`${auditArch(abi)} ${nr}`];
        }),
      ),
    ),
  );
  // The multiplexers of i386.
  numbers.add(`${auditArch('i386')} 102`).add(`${auditArch('i386')} 117`);
  return [...numbers].flatMap((key) => {
    const [arch, nr] = key.split(' ').map(Number) as [number, number];
    return Array.from({ length: 24 }, (_, round): Call => {
      const args = [pick(), pick(), pick(), pick(), pick(), pick()];
      // Codes of the multiplexers are small; and a value of 0 elsewhere isolates a comparison.
      if (round % 3 === 0) args[0] = BigInt(Math.floor(random() * 25));
      if (round % 3 === 1) args.fill(0n, 1);
      return { arch, nr, args };
    });
  });
}

function check(policy: Policy, program: Buffer, calls: readonly Call[], bytes: Buffer): void {
  const words = addon().runFilter(program, bytes);
  calls.forEach((call, place) => {
    const answer = answerOf(policy, call);
    const wanted = answerOfWord(words[place] as number);
    if (answer.action === wanted.action && answer.data === wanted.data) return;
    expect({ call, answer }).toEqual({ call, answer: wanted });
  });
}

function optionsOf({ context, layout }: Sample): CompileOptions {
  return context.runtime === 'runc'
    ? { layout, enosys: context.enosys ?? 'listed-and-native' }
    : { layout, enosys: false, conditions: 'first-six' };
}

/** null: refused, with the code; other errors are defects. */
function refusal<Made>(make: () => Made): { made: Made } | { code: string } {
  try {
    return { made: make() };
  } catch (error) {
    if (error instanceof SysieveError && error.kind === 'input') return { code: error.code };
    throw error;
  }
}

it(
  `${RUNS} random profiles mean what libseccomp compiles`,
  () => {
    const counts = { agree: 0, undecided: 0, uninstallable: 0 };
    let round = 0;
    fc.assert(
      fc.property(SAMPLES, fc.integer(), (sample, seed) => {
        const decided = refusal(() => policyOfProfile(sample.profile, sample.context));
        if ('code' in decided) {
          expect(decided.code).toBe('rules-undecided');
          counts.undecided += 1;
          return;
        }
        const compiled = refusal(() => compile(sample.profile, optionsOf(sample)));
        if ('code' in compiled) {
          // Rules that never hold, or that a later unconditional one erases, libseccomp refuses
          // when they contradict others: no runtime starts with such a profile.
          expect(compiled.code).toBe('rule-refused');
          counts.uninstallable += 1;
          return;
        }
        const policy = decided.made;
        const { program } = compiled.made;
        const read = policyOfPrograms([program]);
        if (!equal(policy, read)) expect(differences(policy, read)).toEqual([]);
        let state = seed;
        const random = (): number => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          return (state >>> 0) / 2 ** 32;
        };
        const calls = around(sample, random);
        check(policy, program, calls, packed(calls));
        const sweep = SWEEPS[round++ % SWEEPS.length] as (typeof SWEEPS)[number];
        check(policy, program, sweep.calls, sweep.bytes);
        counts.agree += 1;
      }),
      { numRuns: RUNS, endOnFailure: SOAK },
    );
    console.log(`policy oracle: ${JSON.stringify(counts)} of ${RUNS}`);
    // A model that gives up is none.
    expect(counts.undecided).toBeLessThan(0.4 * RUNS);
    expect(counts.uninstallable).toBeLessThan(0.05 * RUNS);
  },
  SOAK ? 8 * 3600_000 : 120_000,
);
