/** Looks at what this host offers to the tracers: by trying, not by comparing versions. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { machine, release, tmpdir } from 'node:os';
import { SysieveError } from '../errors';
import { foreignAbis } from './abis';
import { addon } from './binding';
import { checkHost, fromNative } from './host';

export interface Finding {
  /** Stable, for scripts. */
  name: string;
  ok: boolean;
  detail: string;
  remedy: string | null;
}

/** Bits of CapEff; capability.h. */
const SYS_PTRACE = 19;
const CAPABILITIES: readonly [string, number][] = [
  ['CAP_BPF', 39],
  ['CAP_PERFMON', 38],
  ['CAP_SYS_ADMIN', 21],
  ['CAP_SYS_PTRACE', SYS_PTRACE],
  ['CAP_SYS_RESOURCE', 24],
];

function info(name: string, detail: string): Finding {
  return { name, ok: true, detail, remedy: null };
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return fallback;
  }
}

function btf(): Finding {
  const path = '/sys/kernel/btf/vmlinux';
  return existsSync(path)
    ? info('btf', `${path} is there`)
    : {
        name: 'btf',
        ok: false,
        detail: `no ${path}: the kernel was built without type information`,
        remedy: 'Use a kernel with CONFIG_DEBUG_INFO_BTF=y; every current distribution has it.',
      };
}

/** Never a fault: a host that cannot run such code has nothing of it to record. */
function abis(): Finding {
  if (machine() !== 'x86_64') return info('abis', machine());
  const { i386, x32 } = foreignAbis();
  if (i386 === null || x32 === null) {
    return info('abis', `cannot tell: no program can be run from ${tmpdir()}`);
  }
  const carriedOut = ['x86_64', ...(i386 ? ['i386'] : []), ...(x32 ? ['x32'] : [])].join(', ');
  const note = '; this kernel runs no 32-bit code: record what has any on one that does';
  return info('abis', `${carriedOut}${i386 ? '' : note}`);
}

function effectiveCapabilities(): bigint {
  const status = readOr('/proc/self/status', '');
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

function holds(bit: number): boolean {
  return ((effectiveCapabilities() >> BigInt(bit)) & 1n) === 1n;
}

function capabilities(): Finding {
  const held = CAPABILITIES.filter(([, bit]) => holds(bit)).map(([name]) => name);
  return info('capabilities', held.length === 0 ? 'none of those that matter' : held.join(', '));
}

function othersProcesses(): Finding {
  const name = 'processes of others';
  if (holds(SYS_PTRACE)) return info(name, 'can be looked at');
  // The first process is root's: who is shown that one is shown all.
  const hidden = readOr('/proc/1/stat', '') === '';
  return {
    name,
    ok: false,
    detail: hidden
      ? 'hidden: /proc is mounted with hidepid'
      : '/proc tells neither their programs nor their namespaces',
    remedy:
      'Give CAP_SYS_PTRACE: containers and pods cannot be recorded without it. For --pid and --cgroup, eBPF asks the kernel itself.',
  };
}

function cgroupMode(): Finding {
  const mounts = readOr('/proc/self/mountinfo', '')
    .split('\n')
    .map((line) => line.split(' - ')[1]?.split(' ')[0]);
  const v1 = mounts.includes('cgroup');
  const v2 = mounts.includes('cgroup2');
  if (!v1 && !v2) {
    return {
      name: 'cgroups',
      ok: false,
      detail: 'no cgroup hierarchy is mounted: containers cannot be followed',
      remedy: 'Mount /sys/fs/cgroup into the place sysieve runs in.',
    };
  }
  return info('cgroups', v1 && v2 ? 'v1 and v2 (hybrid)' : v1 ? 'v1' : 'v2');
}

function lockdown(): Finding {
  const state = readOr('/sys/kernel/security/lockdown', '');
  if (state === '')
    return info('lockdown', 'cannot tell: securityfs is not mounted or has no lockdown');
  const mode = /\[(\w+)\]/.exec(state)?.[1] ?? state;
  return mode === 'confidentiality'
    ? {
        name: 'lockdown',
        ok: false,
        detail: 'confidentiality: the kernel refuses reads by BPF programs',
        remedy: "Boot with lockdown=integrity or none; eBPF cannot work under 'confidentiality'.",
      }
    : info('lockdown', mode);
}

const PREEMPTIBLE =
  'this kernel may interrupt its programs: copies catch what one misses, denied calls are withheld where that is in doubt';

/** Loads and attaches the very programs a recording uses, with nothing as target. */
function tracer(programs: 'typed' | 'raw'): Finding {
  const name = programs === 'typed' ? 'tracer ebpf (tp_btf)' : 'tracer ebpf (raw tracepoints)';
  try {
    checkHost();
    const session = new (addon().Session)({
      tracer: 'ebpf',
      execRule: 'any',
      denied: true,
      cgroups: [],
      cgroupNames: [],
      mountNamespaces: [],
      pidNamespaces: [],
      pids: [],
      setupPids: [],
      tracked: [],
      programs,
    });
    let preemptible: boolean | undefined;
    try {
      session.start();
      preemptible = session.read().preemptible;
    } finally {
      session.stop();
    }
    const note = preemptible === true ? `; ${PREEMPTIBLE}` : '';
    return info(name, `usable: loaded and attached${note}`);
  } catch (thrown) {
    const error = fromNative(thrown);
    if (!(error instanceof SysieveError)) throw error;
    const cause = error.reason === undefined ? '' : ` (${error.reason})`;
    return { name, ok: false, detail: `${error.message}${cause}`, remedy: error.remedy ?? null };
  }
}

/** Attaches to a process of its own making, as `record --pid` would. */
function ptraceTracer(): Finding {
  const name = 'tracer ptrace';
  const scope = readOr('/proc/sys/kernel/yama/ptrace_scope', '0');
  const privileged = (effectiveCapabilities() >> 19n) & 1n;
  // Yama lets the commands that sysieve starts be traced, and nothing else without the capability.
  const attaches = privileged === 1n ? scope !== '3' : scope === '0';
  // A program that is here for certain.
  const idle = ['-e', 'setTimeout(() => {}, 60_000)'];
  const child = attaches ? spawn(process.execPath, idle, { stdio: 'ignore' }) : null;
  child?.on('error', () => undefined);
  try {
    if (scope === '3' || (scope === '2' && privileged === 0n)) {
      const remedy =
        scope === '3'
          ? 'Set kernel.yama.ptrace_scope to 2 or less for the next boot: until then ptrace is switched off.'
          : 'Run with CAP_SYS_PTRACE, or set kernel.yama.ptrace_scope to 1 or 0.';
      return { name, ok: false, detail: `refused by Yama (ptrace_scope ${scope})`, remedy };
    }
    const session = new (addon().Session)({
      tracer: 'ptrace',
      execRule: 'any',
      denied: false,
      cgroups: [],
      cgroupNames: [],
      mountNamespaces: [],
      pidNamespaces: [],
      pids: child?.pid === undefined ? [] : [child.pid],
      setupPids: [],
      tracked: [],
      programs: 'auto',
    });
    try {
      session.start();
    } finally {
      session.stop();
    }
    return info(
      name,
      attaches
        ? `usable: attached${privileged === 1n ? '' : "; other users' processes need CAP_SYS_PTRACE"}`
        : 'usable for commands; --pid, --cgroup and --container need CAP_SYS_PTRACE (Yama)',
    );
  } catch (thrown) {
    const error = fromNative(thrown, 'ptrace');
    if (!(error instanceof SysieveError)) throw error;
    const cause = error.reason === undefined ? '' : ` (${error.reason})`;
    return { name, ok: false, detail: `${error.message}${cause}`, remedy: error.remedy ?? null };
  } finally {
    // Where there is no child, Node would kill the process group of its own.
    if (child?.pid !== undefined) child.kill('SIGKILL');
  }
}

/** Everything that has no engine and no library in it; those are asked by the command. */
export function examineHost(): Finding[] {
  return [
    info('kernel', `Linux ${release()} ${machine()}`),
    abis(),
    btf(),
    lockdown(),
    capabilities(),
    othersProcesses(),
    cgroupMode(),
    tracer('typed'),
    tracer('raw'),
    ptraceTracer(),
  ];
}
