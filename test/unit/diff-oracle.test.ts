/**
 * Verdicts on random pairs of profiles against the two filters that libseccomp compiles: what brute
 * force over every number and the values around those named finds, the verdict says; and what the
 * verdict says, each finding's witness shows.
 */
import fc from 'fast-check';
import { runFilter } from '../../src/capture/filter';
import { diff } from '../../src/diff';
import { compile } from '../../src/libseccomp';
import type { Call } from '../../src/policy';
import { answerOfWord } from '../../src/policy/answers';
import type { Finding } from '../../src/review';
import { around, optionsOf, randomOf, refusal, SWEEPS } from '../support/oracle';
import { type Entry, SAMPLES, type Sample } from '../support/policies';
import { sideOf } from '../support/sides';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const PAIRS = SOAK ? 20_000 : 2_000;

/** Refused, left to somebody else, passes. */
function level(word: number): number {
  const { action } = answerOfWord(word);
  if (action === 'allow' || action === 'log') return 2;
  return action === 'notify' || action === 'trace' ? 1 : 0;
}

/** A profile and one that is like it, as after an edit; or two that have nothing to do with each other. */
const PAIR: fc.Arbitrary<{ before: Sample; after: Sample; seed: number }> = fc
  .record({
    before: SAMPLES,
    other: SAMPLES,
    seed: fc.integer(),
    edit: fc.constantFrom('drop', 'add', 'replace', 'reorder', 'architectures', 'default', 'other'),
    at: fc.nat(),
  })
  .map(({ before, other, seed, edit, at }) => {
    const { profile } = before;
    const entries: Entry[] = [...profile.syscalls];
    const place = entries.length === 0 ? 0 : at % entries.length;
    const added = other.profile.syscalls.slice(0, 1);
    const errno = (entry: Entry): Entry => {
      // crun refuses an errno for an action that takes none.
      const { errnoRet: _, ...rest } = entry;
      return /_(ERRNO|TRACE)$/.test(entry.action) ? entry : rest;
    };
    if (edit === 'drop') entries.splice(place, 1);
    if (edit === 'add') entries.splice(place, 0, ...added.map(errno));
    if (edit === 'replace') entries.splice(place, 1, ...added.map(errno));
    if (edit === 'reorder') entries.reverse();
    const edited =
      edit === 'other'
        ? { ...other.profile, syscalls: other.profile.syscalls.map(errno) }
        : {
            ...profile,
            syscalls: entries,
            ...(edit === 'architectures' ? { architectures: other.profile.architectures } : {}),
            ...(edit === 'default' ? { defaultAction: 'SCMP_ACT_LOG' as const } : {}),
          };
    const { defaultErrnoRet, ...rest } = edited;
    const after =
      defaultErrnoRet === undefined || !/_(ERRNO|TRACE)$/.test(edited.defaultAction)
        ? rest
        : { ...rest, defaultErrnoRet };
    return { before, after: { ...before, profile: after }, seed };
  });

function callOf({ witness }: Finding): Call {
  if (witness === null) throw new Error('a finding about answers without a witness');
  return { arch: witness.arch, nr: witness.nr, args: witness.args.map(BigInt) };
}

it(
  `${PAIRS} random pairs: verdicts and witnesses agree with the compiled filters`,
  () => {
    const counts: Record<string, number> = {};
    const count = (what: string) => {
      counts[what] = (counts[what] ?? 0) + 1;
    };
    let round = 0;
    fc.assert(
      fc.property(PAIR, ({ before, after, seed }) => {
        const { runtime } = before.context;
        const context = { runtimes: [runtime], machines: ['x86_64' as const] };
        const old = sideOf(before.profile, { label: 'before' });
        const now = sideOf(after.profile, { label: 'after' });
        const reported = refusal(() => diff(old, now, context));
        if ('code' in reported) {
          expect(['rules-undecided', 'profile-refused', 'policy-too-large']).toContain(
            reported.code,
          );
          return count(reported.code);
        }
        // What the diff compares: the runtime of today, which stubs the machine's own ABI as well.
        const options = optionsOf({
          ...before,
          context: { ...before.context, enosys: 'listed-and-native' },
        });
        const programs = refusal(() =>
          [before, after].map(({ profile }) => compile(profile, options).program),
        );
        // libseccomp refuses contradictions even in rules that never hold.
        if ('code' in programs) return count(programs.code);
        const [first, second] = programs.made as [Buffer, Buffer];
        const { verdict, findings } = reported.made;
        for (const finding of findings.filter(({ effect }) => effect !== 'none')) {
          const call = callOf(finding);
          const [was = 0, is = 0] = [first, second].map((program) => runFilter(program, [call])[0]);
          const change = Math.sign(level(is) - level(was));
          const effect = change > 0 ? 'widens' : change < 0 ? 'narrows' : 'neither';
          const said = ['widens', 'narrows'].includes(finding.effect) ? finding.effect : 'neither';
          expect({ finding, effect }).toEqual({ finding, effect: said });
          expect(is).not.toBe(was);
        }
        const sweep = SWEEPS[round++ % SWEEPS.length] as (typeof SWEEPS)[number];
        const calls = [...around([before.profile, after.profile], randomOf(seed)), ...sweep.calls];
        const [was, is] = [first, second].map((program) => runFilter(program, calls));
        let differ = false;
        calls.forEach((call, at) => {
          const change = level(is?.[at] ?? 0) - level(was?.[at] ?? 0);
          differ ||= is?.[at] !== was?.[at];
          if (change > 0 && verdict !== 'widens') expect([verdict, call]).toEqual(['mixed', call]);
          if (change < 0 && verdict !== 'narrows') expect([verdict, call]).toEqual(['mixed', call]);
        });
        if (differ) expect(findings.length).toBeGreaterThan(0);
        count(verdict ?? 'none');
      }),
      { numRuns: PAIRS },
    );
    console.log(`diff oracle: ${JSON.stringify(counts)} of ${PAIRS}`);
    for (const verdict of ['identical', 'equivalent', 'narrows', 'widens', 'mixed']) {
      expect([verdict, counts[verdict] ?? 0]).not.toEqual([verdict, 0]);
    }
    const judged = ['identical', 'equivalent', 'narrows', 'widens', 'mixed'].reduce(
      (sum, verdict) => sum + (counts[verdict] ?? 0),
      0,
    );
    expect(judged).toBeGreaterThan(PAIRS / 2);
  },
  SOAK ? 3 * 3600_000 : 300_000,
);
