/** The OCI bundle that is started: its own root file system and a configuration like an engine's. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Condition {
  start: 'create' | 'exec';
  tty: boolean;
  user: boolean;
  noNewPrivileges: boolean;
}

export const CONDITIONS: readonly Condition[] = (['create', 'exec'] as const).flatMap((start) =>
  [false, true].flatMap((tty) =>
    [false, true].flatMap((user) =>
      [false, true].map((noNewPrivileges) => ({ start, tty, user, noNewPrivileges })),
    ),
  ),
);

export const UID = 1000;
/** Last in this PATH, so that a search for it passes the others. */
export const PROGRAMS = '/usr/bin';
const PATH = `/usr/local/sbin:/usr/local/bin:/usr/sbin:${PROGRAMS}`;

/** What Docker and Podman leave a container's root. */
const CAPABILITIES = [
  ...[
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_FSETID',
    'CAP_KILL',
    'CAP_NET_BIND_SERVICE',
  ],
  ...['CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID', 'CAP_SYS_CHROOT'],
];

/**
 * Allows everything in every ABI, and is a filter all the same: a runtime leaves out one without a
 * rule. No runtime makes the call that the rule refuses.
 */
export const ALLOW_ALL = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }],
};

export interface StartShape {
  condition: Condition;
  args: readonly string[];
  /** What an engine fills in further: groups, umask, limits, another directory. */
  full: boolean;
  /** The capabilities of a user only count when they are ambient. */
  ambient: boolean;
}

/** process of the OCI configuration, which exec takes too. */
export function processOf({ condition, args, full, ambient }: StartShape): object {
  const held = condition.user && !ambient ? [] : CAPABILITIES;
  const id = condition.user ? UID : 0;
  return {
    terminal: condition.tty,
    ...(condition.tty ? { consoleSize: { height: 24, width: 80 } } : {}),
    user: { uid: id, gid: id, ...(full ? { umask: 0o22, additionalGids: [10, 20] } : {}) },
    args,
    env: [`PATH=${PATH}`, 'TERM=xterm', 'HOME=/'],
    cwd: full ? '/srv' : '/',
    capabilities: {
      bounding: CAPABILITIES,
      effective: held,
      permitted: held,
      ...(ambient ? { inheritable: CAPABILITIES, ambient: CAPABILITIES } : {}),
    },
    ...(full ? { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 }] } : {}),
    oomScoreAdj: 0,
    noNewPrivileges: condition.noNewPrivileges,
  };
}

const OPTIONS = ['nosuid', 'noexec', 'nodev'];
const MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc', options: OPTIONS },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...OPTIONS, 'ro'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: OPTIONS },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: [...OPTIONS, 'mode=1777', 'size=65536k'],
  },
];

export class Bundle {
  readonly directory: string;
  readonly output: string;
  private readonly programs: string;

  constructor(
    work: string,
    private readonly cgroup: string,
  ) {
    this.directory = join(work, 'bundle');
    this.output = join(work, 'out');
    const rootfs = join(this.directory, 'rootfs');
    this.programs = join(rootfs, PROGRAMS);
    for (const path of [
      'proc',
      'sys',
      'dev',
      'out',
      'srv',
      'usr/local/bin',
      'usr/sbin',
      'usr/bin',
    ]) {
      mkdirSync(join(rootfs, path), { recursive: true });
    }
    mkdirSync(this.output);
    // The container's user writes there too; umask does not reach chmod.
    chmodSync(this.output, 0o1777);
    const source = join(__dirname, 'entrypoint.c');
    execFileSync('gcc', ['-O1', '-Wall', '-static', source, '-o', join(work, 'entrypoint')]);
    copyFileSync(join(work, 'entrypoint'), join(this.programs, 'entrypoint'));
  }

  /** Another name for the entrypoint: what started under it is told apart by its path. */
  addProgram(name: string): string {
    linkSync(join(this.programs, 'entrypoint'), join(this.programs, name));
    return `${PROGRAMS}/${name}`;
  }

  /** A program from outside; it must be static. */
  copyProgram(file: string, name: string): string {
    copyFileSync(file, join(this.programs, name));
    chmodSync(join(this.programs, name), 0o755);
    return `${PROGRAMS}/${name}`;
  }

  write(process: object, seccomp: object = ALLOW_ALL): void {
    const config = {
      ociVersion: '1.0.2',
      process,
      root: { path: 'rootfs', readonly: false },
      hostname: 'baseline',
      mounts: [
        ...MOUNTS,
        { destination: '/out', type: 'bind', source: this.output, options: ['rbind', 'rw'] },
      ],
      linux: {
        cgroupsPath: this.cgroup,
        namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
        maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
        readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
        seccomp,
      },
    };
    writeFileSync(join(this.directory, 'config.json'), JSON.stringify(config));
  }
}
