/**
 * The policy of a profile against the filter that libseccomp compiles for it: as a policy, and run
 * by the addon over every number and the values around those that the profile names.
 */
import fc from 'fast-check';
import { addon } from '../../src/capture/binding';
import { compile } from '../../src/libseccomp';
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
import { around, optionsOf, randomOf, refusal, SWEEPS } from '../support/oracle';
import { packed, SAMPLES } from '../support/policies';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const RUNS = SOAK ? 100_000 : 2_000;

function check(policy: Policy, program: Buffer, calls: readonly Call[], bytes: Buffer): void {
  const words = addon().runFilter(program, bytes);
  calls.forEach((call, place) => {
    const answer = answerOf(policy, call);
    const wanted = answerOfWord(words[place] as number);
    if (answer.action === wanted.action && answer.data === wanted.data) return;
    expect({ call, answer }).toEqual({ call, answer: wanted });
  });
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
        const calls = around([sample.profile], randomOf(seed));
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
