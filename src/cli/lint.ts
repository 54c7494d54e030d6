/** `sysieve lint PROFILE…`: what is dangerous, void or mistaken in profiles. */
import { type Command, Option } from 'commander';
import type { ProfileSide } from '../diff';
import { EXIT, SysieveError } from '../errors';
import { readTextFile, sourceName } from '../io';
import { lint, TARGETS, type Target } from '../lint';
import { FORMATS, type Format, render } from '../render';
import {
  applyWaivers,
  bySeverity,
  type Finding,
  parseWaivers,
  type Report,
  SEVERITIES,
  type Severity,
  type Waivers,
} from '../review';
import { emit, warn } from './output';
import { loadSide } from './side';
import { usesColour } from './terminal';
import { packageVersion } from './version';

const FAIL_ON = ['high', 'medium', 'any'] as const;

interface Flags {
  target?: Target;
  format?: Format;
  failOn?: (typeof FAIL_ON)[number];
  waivers?: string;
  json?: true;
}

/** null and a warning: there is no libseccomp to ask, or no way to call it. */
async function namesKnown(): Promise<((name: string) => boolean) | null> {
  const { isKnownName } = await import('../libseccomp/index.js');
  const known = new Map<string, boolean>();
  const ask = (name: string): boolean => {
    const answer = known.get(name) ?? isKnownName(name);
    known.set(name, answer);
    return answer;
  };
  try {
    ask('read');
    return ask;
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.kind !== 'system') throw thrown;
    warn(`names are not held to libseccomp: ${thrown.message}`);
    return null;
  }
}

async function profileOf(spec: string): Promise<ProfileSide> {
  const side = await loadSide(spec);
  if (side.kind === 'profile') return side;
  throw new SysieveError('input', 'lint-of-process', `${spec}: there is no profile to lint`, {
    cause: 'A process has compiled filters, or none.',
    remedy: 'Give its profile; sysieve diff compares it with what the process has.',
  });
}

function reportOf(
  side: ProfileSide,
  findings: readonly Finding[],
  notes: readonly string[],
): Report {
  return {
    subject: 'lint',
    before: null,
    after: side.label,
    verdict: null,
    headlines: [],
    contexts: [],
    cves: { opens: [], closes: [] },
    findings,
    notes: [...side.notes, ...notes],
  };
}

/** One document of several files: each finding has its own. */
function joined(reports: readonly Report[]): Report {
  const [first, second] = reports;
  if (first !== undefined && second === undefined) return first;
  return {
    ...(first as Report),
    after: reports.map(({ after }) => after).join(', '),
    findings: bySeverity(reports.flatMap(({ findings }) => findings)),
    notes: [...new Set(reports.flatMap(({ notes }) => notes))],
  };
}

/** Formats that may stand one behind the other. */
const IN_A_ROW: ReadonlySet<Format> = new Set(['terminal', 'markdown', 'github']);

function formatOf({ format, json }: Flags): Format {
  if (json && format !== undefined && format !== 'json') {
    throw new SysieveError('usage', 'usage', `--json and --format ${format} exclude each other`);
  }
  return json ? 'json' : (format ?? 'terminal');
}

function isMet(findings: readonly Finding[], failOn: Flags['failOn']): boolean {
  if (failOn === undefined) return false;
  const least: Severity = failOn === 'any' ? 'low' : failOn;
  const limit = SEVERITIES.indexOf(least);
  return findings.some(
    ({ severity, waiver }) => waiver === null && SEVERITIES.indexOf(severity) <= limit,
  );
}

async function readWaivers(path: string | undefined): Promise<Waivers | null> {
  return path === undefined ? null : parseWaivers(await readTextFile(path), sourceName(path));
}

async function run(specs: string[], flags: Flags): Promise<void> {
  const format = formatOf(flags);
  if ([...specs, flags.waivers].filter((spec) => spec === '-').length > 1) {
    throw new SysieveError('usage', 'usage', "'-' (standard input) can be read only once");
  }
  const waivers = await readWaivers(flags.waivers);
  const sides: ProfileSide[] = [];
  for (const spec of specs) sides.push(await profileOf(spec));
  const resolves = await namesKnown();
  const found = sides.map((side) => {
    const { profile, places, evidence, engine } = side;
    const target = flags.target ?? engine?.name ?? null;
    return lint({ profile, places, evidence, target, resolves });
  });
  const today = new Date().toISOString().slice(0, 10);
  // Over all files at once: a waiver is unused only where none of them has the finding.
  const waived = waivers === null ? null : applyWaivers(found.flat(), waivers, today);
  let at = 0;
  const reports = sides.map((side, index) => {
    const findings = found[index] as Finding[];
    const own = waived?.findings.slice(at, at + findings.length) ?? findings;
    at += findings.length;
    return reportOf(side, own, index === 0 ? (waived?.notes ?? []) : []);
  });
  const options = {
    columns: process.stdout.columns ?? 80,
    colour: usesColour(process.stdout),
    tool: { name: 'sysieve', version: packageVersion() },
  };
  const documents = IN_A_ROW.has(format) ? reports : [joined(reports)];
  const text = documents.map((report) => render(report, format, options)).join('');
  await emit(text);
  if (reports.some(({ findings }) => isMet(findings, flags.failOn))) process.exitCode = EXIT.check;
}

export function register(program: Command): void {
  program
    .command('lint')
    .summary('find what is dangerous, void or mistaken in profiles')
    .description(
      'Finds what is dangerous, void or mistaken in profiles, judged by what passes under them.\n' +
        "OCI profiles, Docker's and Podman's own format, SeccompProfile resources; an evidence file\n" +
        'beside a profile is read along.',
    )
    .argument(
      '<profile...>',
      "file, '-' (standard input), REV:PATH (git), default:docker or default:podman",
    )
    .addOption(
      new Option('--target <name>', 'who will load the profile; any of them unless said').choices(
        TARGETS,
      ),
    )
    .addOption(
      new Option('--format <name>', 'how to print the findings (default: terminal)').choices(
        FORMATS,
      ),
    )
    .addOption(
      new Option(
        '--fail-on <severity>',
        'end with status 1 if there is a finding as grave, or any but notes',
      ).choices(FAIL_ON),
    )
    .option('--waivers <file>', 'findings that were accepted')
    .option('--json', 'the same as --format json')
    .action(run);
}
