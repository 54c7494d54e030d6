/**
 * A table of what `diff` must say. Expectations come from what runc and crun do. Of plain profiles the
 * filters that libseccomp compiles are asked as well: what may pass, and how each witness is answered.
 */
import { runFilter } from '../../src/capture/filter';
import { diff, RUNTIMES, type RuntimeName } from '../../src/diff';
import { compile } from '../../src/libseccomp';
import { answerOfWord } from '../../src/policy/answers';
import type { Profile } from '../../src/profile';
import type { Finding, Report, Verdict } from '../../src/review';
import { ruleText } from '../../src/review/rules';
import type { DiffCase, Expected } from '../support/diff-case';
import { ANSWER_CASES } from '../support/diff-cases-answers';
import { CALL_CASES } from '../support/diff-cases-calls';
import { CONTEXT_CASES } from '../support/diff-cases-contexts';
import { RULE_CASES } from '../support/diff-cases-rules';
import { around, randomOf, refusal, SWEEPS } from '../support/oracle';

const CASES = [...RULE_CASES, ...ANSWER_CASES, ...CALL_CASES, ...CONTEXT_CASES];

function fits(finding: Finding, wanted: Expected): boolean {
  const { reason, message, opens, closes, added, removed, values, line, contexts, ...same } =
    wanted;
  const { justification, executables, phases, ...plain } = same;
  const text = (pattern: string | RegExp | undefined, of: string | null) =>
    pattern === undefined ||
    (typeof pattern === 'string' ? of?.includes(pattern) === true : pattern.test(of ?? ''));
  const list = (some: readonly string[] | undefined, all: readonly string[] | undefined) =>
    some === undefined || JSON.stringify(some) === JSON.stringify(all);
  return (
    Object.entries(plain).every(([key, value]) => finding[key as keyof Finding] === value) &&
    text(reason, finding.reason) &&
    text(message, finding.message) &&
    list(added, finding.values?.added) &&
    list(removed, finding.values?.removed) &&
    list(contexts, finding.contexts) &&
    list(executables, finding.evidence?.executables) &&
    list(phases, finding.evidence?.phases) &&
    (values === undefined || finding.values === null) &&
    (line === undefined || finding.place?.line === line) &&
    (justification === undefined || finding.evidence?.justification === justification) &&
    (opens ?? []).every((id) => finding.cves.opens.includes(id)) &&
    (closes ?? []).every((id) => finding.cves.closes.includes(id))
  );
}

function checkFindings(report: Report, { findings, among }: DiffCase): void {
  const left = [...report.findings];
  const missing = (findings ?? among ?? []).filter((wanted) => {
    const at = left.findIndex((finding) => fits(finding, wanted));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  expect({ missing, unexpected: findings === undefined ? [] : left }).toEqual({
    missing: [],
    unexpected: [],
  });
}

function level(word: number): number {
  const { action } = answerOfWord(word);
  if (action === 'allow' || action === 'log') return 2;
  return action === 'notify' || action === 'trace' ? 1 : 0;
}

function verdictOf(changes: readonly number[]): Verdict {
  const [up, down] = [changes.some((one) => one > 0), changes.some((one) => one < 0)];
  if (up && down) return 'mixed';
  if (up) return 'widens';
  return down ? 'narrows' : 'equivalent';
}

/** Of a plain profile on this machine, as one of the runtimes compiles it; null: it refuses. */
function programs(profiles: readonly Profile[], runtime: RuntimeName): [Buffer, Buffer] | null {
  const made = refusal(() =>
    profiles.map((profile) => {
      const rows = [{ action: profile.defaultAction, errnoRet: profile.defaultErrnoRet }];
      const needless = [...rows, ...profile.syscalls].some(
        ({ action, errnoRet }) => errnoRet !== undefined && !/_(ERRNO|TRACE)$/.test(action),
      );
      if (runtime === 'crun' && needless) return null;
      const options =
        runtime === 'runc'
          ? { enosys: 'listed-and-native' as const }
          : { enosys: false as const, conditions: 'first-six' as const };
      return compile(profile, options).program;
    }),
  );
  if ('code' in made) throw new Error(made.code);
  const [before, after] = made.made;
  return before && after ? [before, after] : null;
}

/** In which of the runtimes a finding holds. */
function runtimesOf({ contexts }: Finding, all: readonly RuntimeName[]): readonly RuntimeName[] {
  return all.filter((runtime) =>
    contexts.some((label) => label === 'in every context' || label === `under ${runtime}`),
  );
}

function judge(report: Report, profiles: readonly Profile[], runtimes: readonly RuntimeName[]) {
  const calls = [
    ...around(profiles, randomOf(1)),
    ...SWEEPS.filter((_, at) => at % 3 === 0).flatMap((sweep) => sweep.calls),
  ];
  const changes: number[] = [];
  for (const runtime of runtimes) {
    const made = programs(profiles, runtime);
    if (made === null) continue;
    const shown = report.findings.filter(
      (finding) => finding.effect !== 'none' && runtimesOf(finding, runtimes).includes(runtime),
    );
    const witnesses = shown.map(({ witness }) => {
      if (witness === null) throw new Error('no witness');
      return { arch: witness.arch, nr: witness.nr, args: witness.args.map(BigInt) };
    });
    const [was, is] = made.map((program) => runFilter(program, [...witnesses, ...calls]));
    shown.forEach((finding, at) => {
      const [before, after] = [was?.[at] ?? 0, is?.[at] ?? 0];
      const change = Math.sign(level(after) - level(before));
      const effects = { '1': ['widens'], '-1': ['narrows'], '0': ['denial', 'handling'] };
      expect({ finding, runtime, same: before === after }).toEqual({
        finding,
        runtime,
        same: false,
      });
      expect(effects[`${change}` as keyof typeof effects]).toContain(finding.effect);
    });
    [...witnesses, ...calls].forEach((_, at) => {
      changes.push(level(is?.[at] ?? 0) - level(was?.[at] ?? 0));
      if ((is?.[at] ?? 0) !== (was?.[at] ?? 0)) expect(shown).not.toEqual([]);
    });
  }
  expect(['brute force', verdictOf(changes)]).toEqual([
    'brute force',
    report.verdict === 'identical' ? 'equivalent' : report.verdict,
  ]);
}

let judged = 0;

describe.each(CASES)('$name', (row) => {
  const { before, after, options = {}, verdict } = row;
  it('is said', () => {
    if (typeof verdict !== 'string') {
      expect(refusal(() => diff(before, after, options))).toEqual({ code: verdict.refused });
      return;
    }
    const report = diff(before, after, options);
    checkFindings(report, row);
    expect(report.verdict).toBe(verdict);
    if (row.contexts !== undefined) {
      const found = report.contexts.map(({ label, verdict: here }) => [label, here]);
      expect(Object.fromEntries(found)).toEqual(row.contexts);
    }
    if (row.headline === undefined) expect(report.headlines).toEqual([]);
    else expect(report.headlines.join()).toMatch(row.headline);
    for (const id of row.neither ?? []) {
      expect([...report.cves.opens, ...report.cves.closes]).not.toContain(id);
    }
    for (const { rule } of report.findings)
      expect([rule, ruleText(rule)]).not.toEqual([rule, null]);
    const prints = report.findings.map(({ fingerprint }) => fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    if (row.unjudged !== undefined) return;
    if (before.kind !== 'profile' || after.kind !== 'profile') throw new Error('say why unjudged');
    if (before.profile.format !== 'oci' || after.profile.format !== 'oci') {
      throw new Error('say why unjudged');
    }
    judge(report, [before.profile.value, after.profile.value], options.runtimes ?? RUNTIMES);
    judged += 1;
  });
});

it('is a table of at least 80 cases, most of them judged by compiled filters', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(80);
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  expect(judged).toBeGreaterThanOrEqual(80);
});
