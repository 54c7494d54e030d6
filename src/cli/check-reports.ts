/** The outcome of a check in each of its formats. */
import { finding, type Judged } from '../check';
import { SysieveError } from '../errors';
import { escapeUnsafeJson } from '../errors/text';
import { render } from '../render';
import { findingJson } from '../render/json';
import { type JunitCase, type JunitSuite, junit } from '../render/junit';
import { wrap } from '../render/layout';
import { type Finding, NOTHING, type Report } from '../review';
import { saturationText } from '../saturation';
import type { CheckOutcome } from '../staging/check-app';
import { errorJson } from './profile';
import type { Screen } from './review';
import { packageVersion } from './version';

export const CHECK_FORMATS = ['terminal', 'json', 'junit', 'github', 'sarif'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

export interface AppReport {
  readonly outcome: CheckOutcome;
  /** null: it could not be compared. */
  readonly judged: Judged | null;
  /** About waivers, a sentence each. */
  readonly notes: readonly string[];
  readonly passed: boolean;
}

const tool = () => ({ name: 'sysieve', version: packageVersion() });

function messageOf(error: unknown): string {
  if (error instanceof SysieveError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** An app that could not be checked must not look like one that passed. */
function failure({ name, error }: CheckOutcome, config: string): Finding[] {
  if (error === null) return [];
  const remedy = error instanceof SysieveError ? error.remedy : undefined;
  return [
    finding(name, {
      ...NOTHING,
      rule: 'check-not-done',
      severity: 'high',
      message: `${name} could not be checked: ${messageOf(error)}`,
      reason: remedy ?? null,
      place: { file: config, line: 1, column: 1 },
    }),
  ];
}

function notesOf({ outcome, judged, notes }: AppReport): string[] {
  return [...(judged?.notes ?? []), ...(outcome.saturation?.notes ?? []), ...notes];
}

function reportOf(report: AppReport, config: string): Report {
  const { outcome, judged } = report;
  return {
    subject: 'check',
    before: null,
    after: outcome.profile,
    verdict: null,
    headlines: [],
    contexts: [],
    cves: { opens: [], closes: [] },
    findings: [...failure(outcome, config), ...(judged?.findings ?? [])],
    notes: notesOf(report),
  };
}

/** One report of all apps, whose findings name them. */
function joined(reports: readonly AppReport[], config: string): Report {
  const each = reports.map((report) => reportOf(report, config));
  return {
    ...(each[0] as Report),
    after: each.map(({ after }) => after).join(', '),
    findings: each.flatMap(({ findings }) => findings),
    notes: [...new Set(each.flatMap(({ notes }) => notes))],
  };
}

const UPDATED = {
  new: 'written: it had no profile',
  changed: 'written: its profile was another one',
  unchanged: 'unchanged: its profile is the one that is made of the recording',
} as const;

function status({ outcome, judged, passed }: AppReport): string {
  if (outcome.error !== null) return 'not checked';
  if (outcome.updated !== null) return UPDATED[outcome.updated];
  const unused = judged?.unusedCalls ?? 0;
  const more =
    unused === 0
      ? 'and permits no more'
      : `and permits ${unused} ${unused === 1 ? 'call' : 'calls'} that it was not seen to need`;
  return passed ? `passed: the profile permits what it needs, ${more}` : 'FAILED';
}

function saturated({ outcome: { saturation, ended } }: AppReport): string[] {
  if (saturation === null) return [];
  return [saturationText(saturation), ...(ended === null ? [] : [`the recording ended: ${ended}`])];
}

function terminal(reports: readonly AppReport[], config: string, screen: Screen): string {
  const plain = { ...screen, colour: false };
  return reports
    .map((report) => {
      const lines = [`${report.outcome.name}: ${status(report)}`, ...saturated(report)];
      const head = lines
        .flatMap((line, at) => wrap([{ text: at === 0 ? '' : '  ' }], [{ text: line }], plain))
        .map((line) => `${line}\n`)
        .join('');
      const whole = reportOf(report, config);
      if (whole.findings.length === 0 && whole.notes.length === 0) return head;
      return `${head}\n${render(whole, 'terminal', { ...screen, tool: tool() })}`;
    })
    .join('\n');
}

function json(reports: readonly AppReport[]): string {
  const document = {
    version: 1,
    passed: reports.every(({ passed }) => passed),
    apps: reports.map((report) => {
      const { outcome, judged, passed } = report;
      return {
        name: outcome.name,
        profile: outcome.profile,
        passed,
        updated: outcome.updated,
        ended: outcome.ended,
        saturation: outcome.saturation,
        unusedCalls: judged?.unusedCalls ?? null,
        findings: (judged?.findings ?? []).map(findingJson),
        notes: notesOf(report),
        error: errorJson(outcome.error),
      };
    }),
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}

function lineOf({ rule, severity, message, place, waiver, fingerprint, reason }: Finding): string {
  const where = place === null ? '' : ` (${place.file}:${place.line}:${place.column})`;
  const why = reason === null ? '' : `; ${reason}`;
  const waived = waiver === null ? '' : ` [waived until ${waiver.expires}: ${waiver.reason}]`;
  return `${severity} ${rule} ${fingerprint}: ${message}${where}${why}${waived}`;
}

function caseOf(name: string, findings: readonly Finding[], output: readonly string[]): JunitCase {
  const open = findings.filter(({ waiver, severity }) => waiver === null && severity !== 'note');
  const [first] = open;
  const others = findings.filter((one) => !open.includes(one)).map(lineOf);
  const more = open.length > 1 ? ` (and ${open.length - 1} more)` : '';
  return {
    name,
    problem:
      first === undefined
        ? null
        : {
            kind: 'failure',
            type: first.rule,
            message: `${first.message}${more}`,
            lines: open.map(lineOf),
          },
    output: [...others, ...output],
  };
}

function suiteOf(report: AppReport): JunitSuite {
  const { outcome, judged } = report;
  const { name, error } = outcome;
  const cases: JunitCase[] = [];
  if (judged !== null) {
    const { missing, findings } = judged;
    const rest = findings.slice(missing.length);
    cases.push(
      caseOf('the profile permits what the app needs', findings.slice(0, missing.length), [
        ...saturated(report),
        ...notesOf(report),
      ]),
      caseOf('the profile permits no more than is accepted', rest, []),
    );
  }
  if (error !== null || judged === null) {
    const known = error instanceof SysieveError ? error : null;
    const details = [known?.reason, known?.remedy].filter((text) => text !== undefined);
    const problem =
      error === null
        ? null
        : ({
            kind: 'error',
            type: known?.code ?? 'defect',
            message: messageOf(error),
            lines: details.length > 0 ? details : [messageOf(error)],
          } as const);
    cases.push({ name: 'the app can be checked', problem, output: [] });
  }
  return { name, cases };
}

export function checkReport(
  reports: readonly AppReport[],
  format: CheckFormat,
  { config, screen }: { config: string; screen: Screen },
): string {
  switch (format) {
    case 'terminal':
      return terminal(reports, config, screen);
    case 'json':
      return json(reports);
    case 'junit':
      return junit('sysieve check', reports.map(suiteOf));
    case 'github':
    case 'sarif':
      return render(joined(reports, config), format, { ...screen, tool: tool() });
  }
}
