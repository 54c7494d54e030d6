/** What the commands that report findings have in common: waivers, formats, thresholds, the exit status. */
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT, SysieveError } from '../errors';
import { readTextFile } from '../io';
import { FORMATS, type Format, render } from '../render';
import type { Finding, Report } from '../review';
import { emit } from './output';
import { usesColour } from './terminal';

export type Threshold = 'widen' | 'high' | 'medium' | 'any';

export interface ReviewFlags {
  format?: Format;
  json?: true;
  failOn?: Threshold;
  waivers?: string;
}

/** Used where no other is named, and there is one. */
const WAIVERS_FILE = 'sysieve.waivers.json';

function oneOf<Value extends string>(values: readonly Value[]): (text: string) => Value {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new InvalidArgumentError(`expected one of ${values.join(', ')}`);
    return found;
  };
}

/** `thresholds`: those that make sense for the command. */
export function reviewOptions(command: Command, thresholds: readonly Threshold[]): Command {
  return command
    .option('--format <format>', `how it is printed: ${FORMATS.join(', ')}`, oneOf(FORMATS))
    .option('--json', 'the same as --format json')
    .option(
      '--fail-on <threshold>',
      `end with status 1 at a finding that is not waived: ${thresholds.join(', ')}`,
      oneOf(thresholds),
    )
    .option(
      '--waivers <file>',
      `findings that were accepted, by fingerprint (${WAIVERS_FILE}, if there is one)`,
    );
}

export function formatOf({ format, json }: ReviewFlags): Format {
  if (json === true && format !== undefined && format !== 'json') {
    throw new SysieveError('usage', 'usage', `--json and --format ${format} exclude each other`);
  }
  return json === true ? 'json' : (format ?? 'terminal');
}

/** The report with what the committed list waives marked as waived. */
export async function waived(report: Report, { waivers }: ReviewFlags): Promise<Report> {
  let text: string;
  try {
    text = await readTextFile(waivers ?? WAIVERS_FILE);
  } catch (thrown) {
    const missing = thrown instanceof SysieveError && thrown.code === 'file-missing';
    if (missing && waivers === undefined) return report;
    throw thrown;
  }
  const { applyWaivers, parseWaivers } = await import('../review/waivers.js');
  const today = new Date().toISOString().slice(0, 10);
  const list = parseWaivers(text, waivers ?? WAIVERS_FILE);
  const { findings, notes } = applyWaivers(report.findings, list, today);
  return { ...report, findings, notes: [...report.notes, ...notes] };
}

export interface Screen {
  columns: number;
  colour: boolean;
}

export function screenOf(stream: NodeJS.WriteStream): Screen {
  const wanted = Number(process.env.COLUMNS ?? '');
  const columns = stream.columns ?? (Number.isInteger(wanted) && wanted > 0 ? wanted : 80);
  return { columns, colour: usesColour(stream) };
}

export async function renderReport(
  report: Report,
  format: Format,
  screen: Screen,
): Promise<string> {
  const { packageVersion } = await import('./version.js');
  return render(report, format, {
    ...screen,
    tool: { name: 'sysieve', version: packageVersion() },
  });
}

/** A note is no reason to fail. */
function meets({ severity, effect }: Finding, threshold: Threshold): boolean {
  switch (threshold) {
    case 'any':
      return severity !== 'note';
    case 'widen':
      return effect === 'widens';
    case 'medium':
      return severity === 'high' || severity === 'medium';
    case 'high':
      return severity === 'high';
  }
}

export function fails(findings: readonly Finding[], { failOn }: ReviewFlags): boolean {
  if (failOn === undefined) return false;
  return findings.some((finding) => finding.waiver === null && meets(finding, failOn));
}

/** Prints the report and sets the exit status. */
export async function finish(report: Report, flags: ReviewFlags): Promise<void> {
  const known = await waived(report, flags);
  const text = await renderReport(known, formatOf(flags), screenOf(process.stdout));
  // Before it is printed: whoever reads only the first lines ends that.
  if (fails(known.findings, flags)) process.exitCode = EXIT.check;
  await emit(text);
}
