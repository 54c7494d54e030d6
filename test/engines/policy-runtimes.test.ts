/**
 * The installed runc and crun: the filter of a container they really started, read back from its
 * process, means exactly what the policy of the profile says. Needs root, gcc and the runtimes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addon } from '../../src/capture/binding';
import { type Context, differences, policyOfProfile, policyOfPrograms } from '../../src/policy';
import { ProfileSchema } from '../../src/profile/schema';
import { names, syscallNumber } from '../../src/tables';

const installed = (runtime: string): boolean =>
  spawnSync(runtime, ['--version'], { stdio: 'ignore' }).status === 0;
const root = process.geteuid?.() === 0;

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'sysieve-policy-'));
  for (const part of ['proc', 'dev', 'sys']) {
    mkdirSync(join(work, 'bundle', 'rootfs', part), { recursive: true });
  }
  writeFileSync(
    join(work, 'wait.c'),
    '#include <unistd.h>\nint main(void) { for (;;) pause(); }\n',
  );
  const program = join(work, 'bundle', 'rootfs', 'wait');
  execFileSync('gcc', ['-O1', '-static', join(work, 'wait.c'), '-o', program]);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const V2_ALONE = [
  ...['unshare', '--mount', '--cgroup', '--propagation', 'private', 'sh', '-c'],
  ...['mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"', 'sh'],
];

/** The newest filter of a container's first process. */
function installedFilter(runtime: 'runc' | 'crun', seccomp: object): Buffer {
  const id = `sysieve-policy-${process.pid}-${runtime}`;
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/wait'],
      env: [],
      cwd: '/',
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: {
      cgroupsPath: `/${id}`,
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      seccomp,
    },
  };
  writeFileSync(join(work, 'bundle', 'config.json'), JSON.stringify(config));
  const state = join(work, `state-${runtime}`);
  // crun refuses a v2 tree with controllers beside v1 hierarchies: it gets to see a v2 tree alone.
  const prefix =
    runtime === 'runc'
      ? [runtime, '--root', state]
      : [...V2_ALONE, runtime, '--root', state, '--cgroup-manager=disabled'];
  const [command, ...options] = prefix as [string, ...string[]];
  const pidFile = join(work, 'pid');
  try {
    // A pipe for its output would be held open by the container.
    const started = spawnSync(
      command,
      [...options, 'run', '--detach', '--bundle', join(work, 'bundle'), '--pid-file', pidFile, id],
      { stdio: 'ignore' },
    );
    if (started.status !== 0) throw new Error(`${runtime} run: status ${started.status}`);
    const filters = addon().dumpFilters(Number(readFileSync(pidFile, 'utf8')));
    return filters.at(-1) as Buffer;
  } finally {
    spawnSync(command, [...options, 'delete', '--force', id], { stdio: 'ignore' });
  }
}

/** What a container needs, and numbers that both runtimes' libseccomp names. */
const NEEDED = names('x86_64').filter((name) => {
  const number = syscallNumber('x86_64', name) as number;
  return number <= 334 && !['getppid', 'getpgrp', 'getpriority', 'acct', 'uselib'].includes(name);
});
const arg = (index: number, op: string, value: number, valueTwo = 0): object => ({
  index,
  op: `SCMP_CMP_${op}`,
  value,
  valueTwo,
});
const PROFILE = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 13,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [
    { names: NEEDED, action: 'SCMP_ACT_ALLOW' },
    // An index twice: alternatives.
    {
      names: ['getppid'],
      action: 'SCMP_ACT_ALLOW',
      args: [arg(0, 'EQ', 1), arg(0, 'EQ', 2), arg(1, 'EQ', 3)],
    },
    // A seventh condition, on an index that the first six have as well.
    {
      names: ['getpgrp'],
      action: 'SCMP_ACT_ALLOW',
      args: [...[0, 1, 2, 3, 4, 5].map((index) => arg(index, 'EQ', index)), arg(0, 'EQ', 9)],
    },
    // Bits outside the mask; and an errno beyond 16 bits.
    {
      names: ['getpriority'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 65536 + 38,
      args: [arg(0, 'MASKED_EQ', 0xf0, 0xff)],
    },
    // Unconditional over conditional, the first of two; what equals the default is skipped.
    { names: ['acct'], action: 'SCMP_ACT_LOG', args: [arg(0, 'EQ', 1)] },
    { names: ['acct'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 },
    { names: ['acct'], action: 'SCMP_ACT_ERRNO' },
    { names: ['acct'], action: 'SCMP_ACT_ALLOW' },
    { names: ['uselib', 'no_such_call'], action: 'SCMP_ACT_TRACE' },
  ],
};

/** runc's own version decides about the ABIs with an ENOSYS answer. */
function enosysOf(): NonNullable<Context['enosys']> {
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(
    execFileSync('runc', ['--version'], { encoding: 'utf8' }),
  ) as RegExpExecArray;
  return Number(major) > 1 || Number(minor) >= 2 ? 'listed-and-native' : 'listed';
}

const CASES = [
  ['everything at once', PROFILE],
  ['no architectures', { ...PROFILE, architectures: [] }],
  ['another architecture alone', { ...PROFILE, architectures: ['SCMP_ARCH_X86'] }],
  ['x32 as well', { ...PROFILE, architectures: ['SCMP_ARCH_X32', 'SCMP_ARCH_X86_64'] }],
  [
    'a default that allows',
    { ...PROFILE, defaultAction: 'SCMP_ACT_LOG', defaultErrnoRet: undefined },
  ],
] as const;

for (const runtime of ['runc', 'crun'] as const) {
  (root && installed(runtime) ? describe : describe.skip)(
    `${runtime} installs what is said`,
    () => {
      it.each(CASES)('%s', (_, seccomp) => {
        const context: Context = {
          runtime,
          machine: 'x86_64',
          ...(runtime === 'runc' ? { enosys: enosysOf() } : {}),
        };
        const said = policyOfProfile(ProfileSchema.parse(seccomp), context);
        const real = policyOfPrograms([installedFilter(runtime, seccomp)]);
        expect(differences(said, real)).toEqual([]);
      });
    },
  );
}
