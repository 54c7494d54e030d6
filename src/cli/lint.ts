/** `sysieve lint PROFILE…`: what is dangerous, void or mistaken in profiles. */
import { type Command, Option } from 'commander';
import type { ProfileSide } from '../diff';
import { EXIT, SysieveError } from '../errors';
import type { KnownNames } from '../libseccomp';
import { lint, TARGETS, type Target } from '../lint';
import type { Format } from '../render';
import type { Report } from '../review';
import { bySeverity } from '../review/totals';
import { emit } from './output';
import {
  fails,
  formatOf,
  type ReviewFlags,
  renderReport,
  reviewOptions,
  screenOf,
  waived,
} from './review';
import { loadSide } from './side';
import { stdinTwice } from './streams';

interface Flags extends ReviewFlags {
  target?: Target;
  withoutBase?: true;
}

/** libseccomp is looked for when it is asked. */
export async function namesKnown(): Promise<KnownNames> {
  const { knownNames } = await import('../libseccomp/index.js');
  return knownNames();
}

async function profileOf(spec: string, { withoutBase }: Flags): Promise<ProfileSide> {
  const side = await loadSide(spec, { withoutBase: withoutBase === true });
  if (side.kind === 'profile') return side;
  throw new SysieveError('input', 'lint-of-process', `${spec}: there is no profile to lint`, {
    cause: 'a process has compiled filters, or none',
    remedy: "Give its profile; 'sysieve diff' compares it with what the process has.",
  });
}

export function reportOf(
  side: ProfileSide,
  flags: Pick<Flags, 'target'>,
  { resolves, notes }: KnownNames,
): Report {
  const { profile, places, evidence, engine } = side;
  const target = flags.target ?? engine?.name ?? null;
  return {
    subject: 'lint',
    before: null,
    after: side.label,
    verdict: null,
    headlines: [],
    contexts: [],
    cves: { opens: [], closes: [] },
    findings: lint({ profile, places, evidence, target, resolves }),
    notes: [...side.notes, ...notes],
  };
}

/** One report of several files, whose findings say which they are in. */
function joined(reports: readonly Report[]): Report {
  return {
    ...(reports[0] as Report),
    after: reports.map(({ after }) => after).join(', '),
    findings: reports.flatMap(({ findings }) => findings),
    notes: [...new Set(reports.flatMap(({ notes }) => notes))],
  };
}

/** Formats of which several documents may stand one behind the other. */
const IN_A_ROW: ReadonlySet<Format> = new Set(['terminal', 'markdown', 'github']);

/** `whole`: the joined one after waivers; what is said about those stands in the last report. */
function apart(reports: readonly Report[], whole: Report): Report[] {
  let start = 0;
  const added = whole.notes.slice(joined(reports).notes.length);
  return reports.map((report, index) => {
    const findings = whole.findings.slice(start, start + report.findings.length);
    start += report.findings.length;
    const last = index === reports.length - 1;
    return { ...report, findings, notes: [...report.notes, ...(last ? added : [])] };
  });
}

async function run(specs: string[], flags: Flags): Promise<void> {
  const format = formatOf(flags);
  if ([...specs, flags.waivers].filter((spec) => spec === '-').length > 1) {
    throw stdinTwice();
  }
  const sides: ProfileSide[] = [];
  for (const spec of specs) sides.push(await profileOf(spec, flags));
  const known = await namesKnown();
  const reports = sides.map((side) => reportOf(side, flags, known));
  const whole = await waived(joined(reports), flags);
  const documents = IN_A_ROW.has(format)
    ? apart(reports, whole)
    : [{ ...whole, findings: bySeverity(whole.findings) }];
  const texts: string[] = [];
  for (const report of documents) {
    texts.push(await renderReport(report, format, screenOf(process.stdout)));
  }
  // Before they are printed: whoever reads only the first lines ends that.
  if (fails(whole.findings, flags)) process.exitCode = EXIT.check;
  await emit(texts.join(''));
}

const ABOUT = `Finds what is dangerous, void or mistaken in profiles, judged by what passes under
them: OCI profiles, Docker's and Podman's own format, SeccompProfile resources.
The evidence beside a profile is read along.

A profile: file, '-' (standard input), REV:PATH (git), default:docker[@VERSION] or
default:podman[@VERSION]. Status 0 whatever is found, without --fail-on; notes are
no reason to fail.`;

export function register(program: Command): void {
  const command = program
    .command('lint')
    .summary('find what is dangerous, void or mistaken in profiles')
    .description(ABOUT)
    .argument('<profile...>', 'what to look at')
    .addOption(
      new Option('--target <name>', 'who will load the profiles; any of them unless said').choices(
        TARGETS,
      ),
    )
    .option('--without-base', 'read a SeccompProfile without the base profile that it names');
  reviewOptions(command, ['high', 'medium', 'any']).action(run);
}
