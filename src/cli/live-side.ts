/** What is really installed on a live process, as a side of a comparison. */
import { release } from 'node:os';
import path from 'node:path';
import { dumpFilters } from '../capture/filter';
import { type SeccompState, seccompState } from '../capture/seccomp';
import type { FilterSide, Live, UnfilteredSide } from '../diff';
import {
  type ContainerInfo,
  type EngineChoice,
  engineVersion,
  findContainer,
  lookAgain,
} from '../engines';
import { SysieveError } from '../errors';
import { policyOfPrograms } from '../policy';

type LiveSide = FilterSide | UnfilteredSide;

function machine(): Live['machine'] {
  if (process.arch === 'x64') return 'x86_64';
  if (process.arch === 'arm64') return 'aarch64';
  throw new SysieveError('system', 'machine-unknown', `there are no tables for ${process.arch}`, {
    remedy: 'Run sysieve on x86_64 or aarch64.',
  });
}

/** runc and crun by whatever name or path an engine has for them; null: another runtime. */
export function runtimeOf(name: string | null): Live['runtime'] {
  const base = path.basename(name ?? '');
  if (/^(?:docker-)?runc$|^io\.containerd\.runc\.v\d+$/.test(base)) return 'runc';
  return base === 'crun' ? 'crun' : null;
}

function threadNote({ otherThreads }: SeccompState): string[] {
  if (otherThreads === 0) return [];
  const threads = otherThreads === 1 ? '1 thread has' : `${otherThreads} threads have`;
  return [`${threads} other filters than the main thread, whose filters are compared`];
}

/** Throws a SysieveError: the filters cannot be read. */
export function readLive(
  pid: number,
  label: string,
  runtime: Live['runtime'],
  engine: Live['engine'],
): LiveSide {
  const before = seccompState(pid);
  const live: Live = {
    capabilities: before.bounding,
    kernelVersion: release(),
    machine: machine(),
    runtime,
    engine,
  };
  const notes = threadNote(before);
  if (before.mode === 'none') return { kind: 'unfiltered', label, notes, live } as const;
  // Strict mode: it is refused with its own words.
  const programs = dumpFilters(pid);
  if (seccompState(pid).startTicks !== before.startTicks) {
    throw new SysieveError('input', 'process-not-found', `process ${pid} ended meanwhile`, {
      remedy: 'Give the id of a running process.',
    });
  }
  return { kind: 'filters', label, notes, live, policy: policyOfPrograms(programs) } as const;
}

/** Errors of what lies below, with the name that the user knows. */
function naming<T>(spec: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SysieveError) || error.message.includes(spec)) throw error;
    const { kind, code, message, remedy, reason } = error;
    throw new SysieveError(kind, code, `${spec}: ${message}`, {
      ...(remedy === undefined ? {} : { remedy }),
      ...(reason === undefined ? {} : { cause: reason }),
    });
  }
}

/** `spec`: pid:N */
export function processSide(spec: string, id: string): LiveSide {
  if (!/^[1-9]\d{0,9}$/.test(id) || Number(id) > 0x7fffffff) {
    throw new SysieveError('input', 'side-invalid', `${spec}: "${id}" is no process id`, {
      remedy: 'Give pid:N with the number of a running process.',
    });
  }
  return naming(spec, () => readLive(Number(id), spec, null, null));
}

export async function versionOf(info: ContainerInfo): Promise<string | null> {
  try {
    return await engineVersion(info.endpoint);
  } catch (error) {
    // It has just answered; without a version the comparison still holds.
    if (error instanceof SysieveError) return null;
    throw error;
  }
}

/** `spec`: container:NAME, or of engine `cri` pod:NAMESPACE/POD[/CONTAINER] */
export async function containerSide(
  spec: string,
  name: string,
  engine: EngineChoice,
): Promise<LiveSide> {
  const info = await findContainer(name, { engine });
  if (info.pid === null || info.unstarted) {
    const start = info.engine === 'cri' ? '' : ` (${info.engine} start ${info.name})`;
    throw new SysieveError('input', 'container-not-running', `${spec} is not running`, {
      cause: 'filters are installed on processes, and it has none of its own',
      remedy: `Start it${start} and try again.`,
    });
  }
  const runtime = runtimeOf(info.runtime?.name ?? null);
  const { engine: asked, pid } = info;
  // The others have no default profile of their own.
  const known = asked === 'docker' || asked === 'podman' ? asked : null;
  const version = known === null ? null : await versionOf(info);
  const side = naming(spec, () =>
    readLive(pid, spec, runtime, known === null ? null : { name: known, version }),
  );
  // Between the engine's answer and the reading the id may have become another process's.
  const again = await lookAgain(info);
  if (again?.pid !== pid || again.startedAt !== info.startedAt) {
    throw new SysieveError('input', 'container-changed', `${spec} was restarted meanwhile`, {
      remedy: 'Try again once it runs on.',
    });
  }
  return side;
}
