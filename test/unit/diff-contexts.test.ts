/**
 * Gates: what a report says about a context, in words, against both profiles resolved under every
 * combination of the capabilities and kernels that they ask about, and compared as a whole.
 */
import fc from 'fast-check';
import { DEFAULT_CAPABILITIES, diff, RUNTIMES, type RuntimeName } from '../../src/diff';
import type { Answer } from '../../src/policy';
import { changes, namedRules, policyOfProfile } from '../../src/policy';
import { parseGatedProfile, resolveGatedProfile } from '../../src/profile';
import type { Report, Verdict } from '../../src/review';
import { syscallName, X32_BIT } from '../../src/tables';
import { refusal } from '../support/oracle';
import { json, sideOf } from '../support/sides';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const PAIRS = SOAK ? 5_000 : 200;

/** One that containers have by default, two that they have not. */
const CAPABILITIES = ['CAP_CHOWN', 'CAP_SYS_ADMIN', 'CAP_BPF'];
const KERNELS = ['4.8', '5.6'];

interface Circumstances {
  runtime: RuntimeName;
  capabilities: string[];
  kernelVersion: string;
}

const EVERY: readonly Circumstances[] = RUNTIMES.flatMap((runtime) =>
  ['4.7', '4.8.0', '5.6.1'].flatMap((kernelVersion) =>
    Array.from({ length: 8 }, (_, bits) => ({
      runtime,
      kernelVersion,
      capabilities: [
        ...DEFAULT_CAPABILITIES.filter((name) => !CAPABILITIES.includes(name)),
        ...CAPABILITIES.filter((_name, at) => ((bits >> at) & 1) === 1),
      ],
    })),
  ),
);

const GATE = fc.record(
  {
    caps: fc.uniqueArray(fc.constantFrom(...CAPABILITIES), { maxLength: 2 }),
    minKernel: fc.constantFrom(...KERNELS),
  },
  { requiredKeys: [] },
);

/** Above 441 runc's ENOSYS begins, and where depends on which of the last three are named. */
const NAMES = ['write', 'clone', 'mount', 'mount_setattr', 'landlock_add_rule', 'memfd_secret'];

const ENTRY = fc.record(
  {
    names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 2 }),
    action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_ERRNO'),
    errnoRet: fc.constantFrom(1, 13),
    args: fc.oneof(
      fc.constant([]),
      fc.integer({ min: 0, max: 2 }).map((value) => [{ index: 0, op: 'SCMP_CMP_EQ', value }]),
    ),
    includes: GATE,
    excludes: GATE,
  },
  { requiredKeys: ['names', 'action'] },
);

function text(entries: readonly { action: string; errnoRet?: number }[]): string {
  return json({
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [
      { names: ['read', 'epoll_pwait2'], action: 'SCMP_ACT_ALLOW' },
      ...entries.map(({ errnoRet, ...entry }) =>
        entry.action === 'SCMP_ACT_ERRNO' ? { ...entry, errnoRet } : entry,
      ),
    ],
  });
}

/** After an edit, or two that have nothing to do with each other. */
const PAIR = fc
  .record({
    entries: fc.array(ENTRY, { minLength: 1, maxLength: 6 }),
    others: fc.array(ENTRY, { minLength: 1, maxLength: 6 }),
    edit: fc.constantFrom('drop', 'add', 'replace', 'reverse', 'other'),
    at: fc.nat(),
  })
  .map(({ entries, others, edit, at }) => {
    const edited = [...entries];
    const place = at % entries.length;
    if (edit === 'drop') edited.splice(place, 1);
    if (edit === 'add') edited.splice(place, 0, ...others.slice(0, 1));
    if (edit === 'replace') edited.splice(place, 1, ...others.slice(0, 1));
    if (edit === 'reverse') edited.reverse();
    return [text(entries), text(edit === 'other' ? others : edited)] as const;
  });

function level({ action }: Answer): number {
  if (action === 'allow' || action === 'log') return 2;
  return action === 'notify' || action === 'trace' ? 1 : 0;
}

function effectOf(before: Answer, after: Answer): string {
  const change = level(after) - level(before);
  if (change !== 0) return change > 0 ? 'widens' : 'narrows';
  return level(after) === 0 ? 'denial' : 'handling';
}

/** What differs there: a text for each call and effect, one for all that runc's boundary changes. */
function truth(
  texts: readonly string[],
  circumstances: Circumstances,
  known: Map<string, string[]>,
): string[] {
  const profiles = texts.map((one) =>
    resolveGatedProfile(parseGatedProfile(one, 'x'), {
      ...circumstances,
      engine: 'docker',
      architecture: 'x86_64',
    }),
  );
  const { runtime } = circumstances;
  const key = json([runtime, profiles]);
  const same = known.get(key);
  if (same !== undefined) return same;
  const rules = profiles.map((profile) => namedRules(profile, runtime).rules);
  const [before, after] = profiles.map((profile) =>
    policyOfProfile(profile, { runtime, machine: 'x86_64' }),
  );
  if (!before || !after) throw new Error('two sides');
  const found = changes(before, after, effectOf).flatMap(({ abi, first, last, class: effect }) => {
    if (abi === null) throw new Error('an architecture that nobody named');
    return Array.from({ length: last - first + 1 }, (_, at) => {
      const name = syscallName(abi, (first + at) & ~X32_BIT);
      if (name === null) throw new Error(`${abi} ${first + at}: no gap lies there`);
      const ruled = rules.some((some) => some.has(name));
      return `${abi} ${effect} ${ruled || effect !== 'denial' ? name : 'boundary'}`;
    });
  });
  const sorted = [...new Set(found)].sort();
  known.set(key, sorted);
  return sorted;
}

function number(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return 1000 * major + minor;
}

function literalHolds(literal: string, { runtime, capabilities, kernelVersion }: Circumstances) {
  const [, word, rest] =
    /^(under|without|with|before kernel|since kernel) (\S+)$/.exec(literal) ?? [];
  switch (word) {
    case 'under':
      return runtime === rest;
    case 'with':
      return capabilities.includes(rest as string);
    case 'without':
      return !capabilities.includes(rest as string);
    case 'before kernel':
      return number(kernelVersion) < number(rest as string);
    case 'since kernel':
      return number(kernelVersion) >= number(rest as string);
    default:
      throw new Error(`a label that says ${literal}`);
  }
}

function holds(label: string, circumstances: Circumstances): boolean {
  if (label === 'in every context') return true;
  const words = label.replace(/on kernel (\S+) and later/g, 'since kernel $1');
  return words.split('; or ').some((part) => {
    const all = part.split(' and ');
    if (all.length > 1) return all.every((literal) => literalHolds(literal, circumstances));
    return part.split(' or ').some((literal) => literalHolds(literal, circumstances));
  });
}

function said({ findings }: Report, circumstances: Circumstances): string[] {
  const here = findings.filter(
    ({ effect, contexts }) =>
      effect !== 'none' && contexts.some((label) => holds(label, circumstances)),
  );
  const texts = here.map(({ abi, effect, call }) => `${abi} ${effect} ${call ?? 'boundary'}`);
  return [...new Set(texts)].sort();
}

function verdictOf(effects: string): Verdict {
  const [up, down] = [effects.includes(' widens '), effects.includes(' narrows ')];
  if (up && down) return 'mixed';
  if (up) return 'widens';
  return down ? 'narrows' : 'equivalent';
}

it(
  `${PAIRS} random pairs of gated profiles: no context is missed, and none is named in vain`,
  () => {
    const counts: Record<string, number> = {};
    let several = 0;
    fc.assert(
      fc.property(PAIR, (texts) => {
        const [before, after] = texts.map((one) =>
          sideOf(one, { gated: true, engine: { name: 'docker', version: null } }),
        );
        if (!before || !after) throw new Error('two sides');
        const made = refusal(() => diff(before, after, { machines: ['x86_64'] }));
        const known = new Map<string, string[]>();
        const expected = refusal(() => EVERY.map((one) => truth(texts, one, known)));
        // Rules are undecided together or not at all: in some context, which may be none of one side's.
        if ('code' in made) {
          expect(made.code).toBe('rules-undecided');
          expect(expected).toEqual({ code: 'rules-undecided' });
          counts.undecided = (counts.undecided ?? 0) + 1;
          return;
        }
        if ('code' in expected) {
          expect(texts[0]).toBe(texts[1]);
          return;
        }
        const report = made.made;
        expected.made.forEach((wanted, at) => {
          const circumstances = EVERY[at] as Circumstances;
          expect([circumstances, ...said(report, circumstances)]).toEqual([
            circumstances,
            ...wanted,
          ]);
        });
        const verdict = verdictOf(` ${expected.made.flat().join(' ')} `);
        expect(report.verdict === 'identical' ? 'equivalent' : report.verdict).toBe(verdict);
        // Contexts are said with what holds in them.
        for (const { label, verdict: here } of report.contexts) {
          const inside = EVERY.filter((one) => holds(label, one));
          expect(inside).not.toEqual([]);
          const verdicts = inside.map((one) => verdictOf(` ${said(report, one).join('  ')} `));
          // What others' gates ask is as by default in the contexts compared: of all that the label
          // fits, some have that verdict, and none of its effects holds in all and is not told.
          const wanted = here === 'identical' ? 'equivalent' : here;
          const covered = (one: Verdict) =>
            wanted === 'equivalent' || wanted === one || one === 'mixed';
          expect([label, wanted, ...verdicts.filter(covered)].length).toBeGreaterThan(2);
          for (const effect of ['widens', 'narrows'] as const) {
            if (verdicts.every((one) => one === effect || one === 'mixed')) {
              expect([label, effect, 'mixed']).toContain(wanted);
            }
          }
        }
        if (report.contexts.length > 1) several += 1;
        counts[verdict] = (counts[verdict] ?? 0) + 1;
      }),
      { numRuns: PAIRS },
    );
    console.log(`diff contexts: ${JSON.stringify({ ...counts, several })} of ${PAIRS}`);
    expect(several).toBeGreaterThan(PAIRS / 5);
    expect(counts.undecided ?? 0).toBeLessThan(PAIRS / 2);
  },
  SOAK ? 3600_000 : 120_000,
);
