/** `sysieve inspect`: how a running container, or any process, is isolated. */
import { readlinkSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readPosture } from '../capture/posture';
import { seccompState } from '../capture/seccomp';
import type { ContainerInfo, EngineChoice } from '../engines';
import { findContainer, lookAgain } from '../engines';
import { EXIT, SysieveError } from '../errors';
import { escapeUnsafeJson } from '../errors/text';
import { inspect, type Line, postureText, reportOf, type Target } from '../inspect';
import { findingJson, JSON_VERSION } from '../render/json';
import type { Report } from '../review';
import { totals } from '../review/totals';
import { readSeccomp, type Started } from './inspect-filters';
import { runtimeOf, versionOf } from './live-side';
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

interface Flags extends ReviewFlags {
  container?: string;
  pod?: string;
  pid?: number;
  engine: EngineChoice;
  stateDir?: string;
  ptrace: boolean;
  profile?: string;
}

function usage(message: string, remedy: string): SysieveError {
  return new SysieveError('usage', 'usage', message, { remedy });
}

function checkTarget({ container, pod, pid, engine, stateDir }: Flags): void {
  if ([container, pod, pid].filter((one) => one !== undefined).length !== 1) {
    throw usage('inspect looks at one target', 'Give one of --container, --pod, --pid.');
  }
  if (pod !== undefined && !pod.includes('/')) {
    throw usage(`--pod ${JSON.stringify(pod)} names no pod`, 'Give NAMESPACE/POD[/CONTAINER].');
  }
  if (container === undefined && engine !== 'auto') {
    throw usage('--engine goes with --container', 'Leave it out: --pod is looked up by the CRI.');
  }
  if (stateDir !== undefined && !['oci', 'runc', 'crun'].includes(engine)) {
    throw usage('--state-dir is of an OCI runtime', 'Give --engine runc or --engine crun with it.');
  }
}

async function running(name: string, flags: Flags): Promise<ContainerInfo & { pid: number }> {
  const { engine, stateDir } = flags;
  const choice = flags.pod === undefined ? engine : 'cri';
  const info = await findContainer(name, { engine: choice, stateDir });
  const { pid } = info;
  if (pid !== null && !info.unstarted) return { ...info, pid };
  throw new SysieveError('input', 'container-not-running', `${name} is not running`, {
    cause: 'what isolates a container is on its processes, and it has none',
    remedy: 'Start it and try again.',
  });
}

interface Found {
  readonly target: Target;
  readonly pid: number;
  readonly started: Started;
  /** Throws where it is another process by now. */
  check(): Promise<void>;
}

function executable(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    // Hidden, or a thread of the kernel.
    return 'unknown';
  }
}

async function find(flags: Flags): Promise<Found> {
  const name = flags.container ?? flags.pod;
  if (name === undefined) {
    const pid = flags.pid as number;
    const identity = `process ${executable(pid)}`;
    return {
      target: { label: `pid ${pid}`, identity, engine: null },
      pid,
      started: { runtime: null, engine: null },
      check: async () => undefined,
    };
  }
  const info = await running(name, flags);
  const known = info.engine === 'docker' || info.engine === 'podman' ? info.engine : null;
  const version = known === null ? null : await versionOf(info);
  const label = flags.container === undefined ? `pod ${info.name}` : `container ${info.name}`;
  return {
    target: { label, identity: label, engine: info.engine },
    pid: info.pid,
    started: {
      runtime: runtimeOf(info.runtime?.name ?? null),
      engine: known === null ? null : { name: known, version },
    },
    check: async () => {
      const again = await lookAgain(info);
      if (again?.pid === info.pid && again.startedAt === info.startedAt) return;
      throw new SysieveError('input', 'container-changed', `${label} was restarted meanwhile`, {
        remedy: 'Try again once it runs on.',
      });
    },
  };
}

function lineJson({ topic, name, value, known, meaning, remedy, finding }: Line): object {
  return {
    topic,
    name,
    value,
    known,
    meaning,
    remedy: remedy === '' ? null : remedy,
    severity: finding?.severity ?? null,
    rule: finding?.rule ?? null,
  };
}

function documentText(report: Report, lines: readonly Line[], { target, pid }: Found): string {
  const conclusion = lines.find(({ name }) => name === 'privileged');
  const document = {
    version: JSON_VERSION,
    target: { name: target.label, engine: target.engine, pid },
    // null: cannot be told. A process of the host with everything is so, too.
    privileged: conclusion?.known === true ? conclusion.finding !== null : null,
    lines: lines.map(lineJson),
    totals: totals(report.findings),
    findings: report.findings.map(findingJson),
    notes: report.notes,
  };
  return escapeUnsafeJson(`${JSON.stringify(document, null, 2)}\n`);
}

async function run(flags: Flags): Promise<void> {
  checkTarget(flags);
  const format = formatOf(flags);
  const found = await find(flags);
  const { pid, target } = found;
  const before = seccompState(pid);
  const facts = readPosture(pid);
  const { seccomp, notes } = await readSeccomp({ ...found, label: target.label, flags, before });
  if (seccompState(pid).startTicks !== before.startTicks) {
    throw new SysieveError('input', 'process-not-found', `process ${pid} ended meanwhile`, {
      remedy: 'Give the id of a running process.',
    });
  }
  await found.check();
  const lines = inspect(facts, seccomp);
  const report = await waived(reportOf(lines, target, notes), flags);
  const screen = screenOf(process.stdout);
  // What else stands in the notes of the report is said in the lines.
  const own = report.notes.filter(
    (note) => !lines.some(({ known, value }) => !known && note.endsWith(value)),
  );
  const text =
    format === 'json'
      ? documentText(report, lines, found)
      : format === 'terminal'
        ? postureText(target.label, lines, report.findings, own, screen)
        : await renderReport(report, format, screen);
  if (fails(report.findings, flags)) process.exitCode = EXIT.check;
  await emit(text);
}

function pidArgument(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > 0x7fffffff) {
    throw new InvalidArgumentError('expected the id of a process');
  }
  return Number(text);
}

const ABOUT = `Says how a running container is isolated: namespaces and with whom they are shared,
user, capabilities, seccomp filters and what they mean, SELinux, AppArmor, cgroup
limits, mounts, devices; what each means, and the remedy. What the kernel or a
missing privilege hides is said as such.

Reads only. For the filters the process is stopped for a moment, and a blocking
call of it may return EINTR; --no-ptrace leaves that out. Status 0 whatever is
found, without --fail-on; notes are no reason to fail.`;

export function register(program: Command): void {
  const command = program
    .command('inspect')
    .summary('say how a running container is isolated, what that means and the remedy')
    .description(ABOUT)
    .option('--container <name>', 'a running container, by name or id')
    .option('--pod <ns/name[/container]>', 'a container of a Kubernetes pod on this node, by CRI')
    .option('--pid <pid>', 'a process', pidArgument)
    .addOption(
      new Option('--engine <engine>', 'whose container it is')
        .choices(['auto', 'docker', 'podman', 'cri', 'oci', 'runc', 'crun'])
        .default('auto'),
    )
    .option('--state-dir <dir>', 'of runc or crun: the directory that they were given as --root')
    .option('--profile <file>', 'compare the filters installed with this profile')
    .option('--no-ptrace', 'do not stop the process to read its filters');
  reviewOptions(command, ['high', 'medium', 'any']).action(run);
}
