/**
 * Recording with eBPF by who may not look at the processes of others: what ran already is found all the
 * same, in the kernel's own list of tasks, and where that is refused the recording says what it lacks.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { hierarchies } from '../support/hierarchies';
import { CLI, eventually, privileged, ROOT, scratch, sysieve } from '../support/recorder';
import { descendants, killTree, programOf } from '../support/tasks';

const NOBODY = 65534;
const OTHERS = [4321, 4322] as const;

const space = scratch();
const file = (name: string): string => join(space.dir, name);
const running: ChildProcess[] = [];
let made = 0;
const groups: string[] = [];
beforeAll(() => chmodSync(space.dir, 0o777));
afterEach(async () => {
  for (const { pid } of running.splice(0)) if (pid !== undefined) killTree(pid);
  for (const group of groups.splice(0).reverse()) {
    const left = () => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '';
    await eventually(`nothing is in ${group}`, left);
    rmdirSync(group);
  }
});
afterAll(() => space.remove());

/** What makes a command that user's, with these capabilities and no other. */
function rights(user: number, ...capabilities: string[]): string[] {
  const only = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const ids = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const bounds = user === 0 ? [`--bounding-set=${only}`] : [];
  return ['setpriv', ...ids, ...bounds, `--inh-caps=${only}`, `--ambient-caps=${only}`];
}

/** Where /proc shows processes to their users alone. */
const HIDDEN = [
  ...['unshare', '--mount', 'sh', '-c'],
  'mount -t proc -o hidepid=2 proc /proc && exec "$@"',
  'sh',
];

/** Where BPF makes no iterators: its command 33, BPF_ITER_CREATE. */
function withoutIterators(): string[] {
  const profile = file('no-iterators.json');
  const refused = {
    names: ['bpf'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 1,
    args: [{ index: 0, value: 33, op: 'SCMP_CMP_EQ' }],
  };
  const architectures = ['SCMP_ARCH_X86_64'];
  const filter = { defaultAction: 'SCMP_ACT_ALLOW', architectures, syscalls: [refused] };
  writeFileSync(profile, JSON.stringify(filter));
  return [process.execPath, CLI, 'run', '--profile', profile, '--'];
}

function recordAs(as: readonly string[], name: string, ...args: string[]) {
  const output = file(`${name}.json`);
  const how = ['record', '--tracer', 'ebpf', '--duration', '1s', '-o', output, ...args];
  const [command = '', ...rest] = [...as, process.execPath, CLI, ...how];
  const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
  const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
  return { run: run as Run, stderr };
}

interface Target {
  pid: number;
  /** What its processes make, by whom: see callers(). */
  made: string[][];
}

/**
 * A program under a path of its own that makes calls, as `user`. Of its children one is another user's
 * by what it did, and one executes a shell as a third.
 */
async function target(name: string, user = 0): Promise<Target> {
  // The last one of that name may not have ended yet, and who runs cannot be written.
  const program = file(`${name}-${made++}`);
  copyFileSync('/usr/bin/perl', program);
  const call = (number: number) =>
    `for (;;) { syscall(${number}); select undef, undef, undef, 0.01 }`;
  const script = `
    use POSIX ();
    sub become { POSIX::setgid($_[0]); POSIX::setuid($_[0]) }
    unless (fork) { become(${OTHERS[0]}); ${call(1001)} }
    unless (fork) {
      become(${OTHERS[1]});
      exec '/bin/sh', '-c', 'while :; do /bin/sleep 0.05; done';
    }
    become(${user});
    exec '${program}', '-e', '${call(1000)}';`;
  const child = spawn(program, ['-e', script], { stdio: 'ignore' });
  running.push(child);
  const pid = child.pid as number;
  const programs = () => descendants(pid).map(programOf);
  const shell = '/usr/bin/dash';
  await eventually('all of the target runs', () => {
    const arguments_ = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return (
      arguments_.includes(call(1000)) && !arguments_.includes('POSIX') && programs().includes(shell)
    );
  });
  return { pid, made: [[program], [program], [shell]] };
}

/** Under which executables its own call was made, that of its child, and wait4, which the shell makes. */
function callers({ calls, executables }: Run): string[][] {
  return [1000, 1001, 61].map((number) => {
    const made = calls.find((call) => call.number === number);
    return (made?.executables ?? []).map((index) => executables[index] ?? '');
  });
}

/** All of a target in a cgroup below a new one, which is answered. */
function cgroupWith({ pid }: Target, mount: string): string {
  const group = join(mount, `sysieve-rights-${process.pid}`);
  const below = join(group, 'below');
  for (const made of [group, below]) {
    mkdirSync(made);
    groups.push(made);
  }
  for (const one of [pid, ...descendants(pid)]) {
    try {
      writeFileSync(join(below, 'cgroup.procs'), String(one));
    } catch (error) {
      // One of the shell's commands, which has ended.
      expect((error as NodeJS.ErrnoException).code).toBe('ESRCH');
    }
  }
  return group;
}

const REDUCED: [string, string[]][] = [
  ['another user with CAP_BPF and CAP_PERFMON', rights(NOBODY, 'bpf', 'perfmon')],
  ['the same with CAP_SYS_ADMIN', rights(NOBODY, 'bpf', 'perfmon', 'sys_admin')],
  ['the same with CAP_DAC_READ_SEARCH', rights(NOBODY, 'bpf', 'perfmon', 'dac_read_search')],
  ['root with CAP_BPF and CAP_PERFMON', rights(0, 'bpf', 'perfmon')],
  ['another user with CAP_SYS_PTRACE too', rights(NOBODY, 'bpf', 'perfmon', 'sys_ptrace')],
];
const PLAIN = rights(NOBODY, 'bpf', 'perfmon');

privileged('of what ran already', () => {
  it.each(REDUCED)('all is found by %s', async (_who, as) => {
    const seen = await target('target');
    for (const programs of ['typed', 'raw']) {
      const how = ['--pid', String(seen.pid), '--programs', programs];
      const { run } = recordAs(as, programs, ...how);
      expect([programs, callers(run)]).toEqual([programs, seen.made]);
      expect(run.completeness).toMatchObject({ blindSpots: [], tasksLost: 0 });
      expect(run.completeness.attachedLate).not.toBeNull();
    }
  });

  it.each(hierarchies())('all is found below %s, where /proc hides it', async (mount) => {
    const seen = await target('in-cgroup');
    const group = cgroupWith(seen, mount);
    const { run } = recordAs(
      [...HIDDEN, ...PLAIN],
      'hidden',
      '--cgroup',
      group,
      '--boundary',
      'namespace',
    );
    expect(callers(run)).toEqual(seen.made);
    expect(run.completeness).toMatchObject({ blindSpots: [], tasksLost: 0, cgroupsOverLimit: 0 });
  });

  it('descendants are found that /proc hides, of a process that it shows', async () => {
    const seen = await target('own', NOBODY);
    const { run } = recordAs([...HIDDEN, ...PLAIN], 'own', '--pid', String(seen.pid));
    expect(callers(run)).toEqual(seen.made);
    expect(run.completeness.blindSpots).toEqual([]);
  });

  it('without the list of tasks calls stand under no executable, which is said', async () => {
    const { pid } = await target('unnamed');
    const as = [...withoutIterators(), ...PLAIN];
    const { run, stderr } = recordAs(as, 'unnamed', '--pid', String(pid));
    // What the shell executes meanwhile is seen to be executed.
    expect(callers(run)).toEqual([[], [], []]);
    expect(run.executables).toContain('/bin/sleep');
    expect(run.completeness.blindSpots).toEqual(['executables-unreadable']);
    expect(stderr).toMatch(/note: which program a task that ran already runs .*CAP_SYS_PTRACE/);
    const profile = ['minimise', file('unnamed.json'), '--allow-incomplete', '-o', file('p.json')];
    expect(sysieve([...profile, '--explain']).stderr).toMatch(/recorded under no executable/);
  });

  it('without the list of tasks what /proc hides is missing, and the run is not complete', async () => {
    const seen = await target('gone');
    const [mount = ''] = hierarchies();
    const group = cgroupWith(seen, mount);
    const as = [...HIDDEN, ...withoutIterators(), ...PLAIN];
    const { run, stderr } = recordAs(as, 'gone', '--cgroup', group);
    expect(run.calls).toEqual([]);
    expect(run.completeness).toMatchObject({ complete: false, blindSpots: ['tasks-hidden'] });
    expect(stderr).toMatch(/NOT complete: .*could not all be looked at.*CAP_SYS_PTRACE/);
  });

  it('--reach says that it may not look at their files, and takes no others for them', async () => {
    const { pid } = await target('unscanned');
    const { stderr } = recordAs(PLAIN, 'unscanned', '--pid', String(pid), '--reach');
    expect(stderr).toMatch(/reach: its processes may not be looked at, .*CAP_SYS_PTRACE/);
    expect(existsSync(file('unscanned.reach.json'))).toBe(false);
  });

  it('a recording without a process keeps in mind what it could not find out', async () => {
    const { pid } = await target('detached');
    for (const name of ['bpffs', 'run']) mkdirSync(file(name));
    const output = file('detached.json');
    const script = `
      mount -t bpf bpf ${file('bpffs')}
      export SYSIEVE_BPFFS=${file('bpffs')} SYSIEVE_RUNTIME_DIR=${file('run')}
      as() { ${[...withoutIterators(), ...rights(0, 'bpf', 'perfmon')].join(' ')} "$@"; }
      as ${process.execPath} ${CLI} record --pid ${pid} --detach --session-name d &&
        sleep 0.3 && ${process.execPath} ${CLI} stop d -o ${output}`;
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, expect.stringContaining('note: which program')]);
    const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
    expect(run?.completeness.blindSpots).toEqual(['executables-unreadable']);
  });

  it('a cgroup that is closed to the recorder is counted', async () => {
    const seen = await target('closed');
    const [mount = ''] = hierarchies();
    const group = cgroupWith(seen, mount);
    chmodSync(join(group, 'below'), 0o700);
    const { run, stderr } = recordAs(PLAIN, 'closed', '--cgroup', group);
    expect(run.completeness).toMatchObject({ complete: false, cgroupsOverLimit: 1 });
    expect(stderr).toMatch(/1 cgroups over the limit or closed to sysieve/);
  });

  it('tasks are known by their namespaces, and a runtime by being outside of them', async () => {
    const script = `
      const { Capture } = require(${JSON.stringify(join(ROOT, 'dist/capture/capture.js'))});
      const [inode, cgroup] = process.argv.slice(1);
      const capture = new Capture({
        execRule: 'namespace',
        mountNamespaces: [Number(inode)],
        ...(cgroup === undefined ? {} : { cgroups: [cgroup] }),
      });
      setTimeout(() => {
        const { completeness, calls } = capture.finish({
          ...{ attachedLate: null, runtime: null, blindSpots: [] },
          target: { kind: 'container', engine: null, name: null, id: null, image: null },
        });
        const made = calls.map(({ number }) => number).filter((number) => number >= 1000);
        console.log(JSON.stringify([capture.tasksFound, made, completeness.blindSpots]));
      }, 300);`;
    const call = (number: number) =>
      `for (;;) { syscall(${number}); select undef, undef, undef, 0.01 }`;
    const start = (...command: string[]): number => {
      const child = spawn(command[0] ?? '', command.slice(1), { stdio: 'ignore' });
      running.push(child);
      return child.pid as number;
    };
    const inside = start('unshare', '--mount', 'perl', '-e', call(1000));
    await eventually('it is in there', () => programOf(inside) === '/usr/bin/perl');
    const namespace = String(statSync(`/proc/${inside}/ns/mnt`).ino);
    const asked = (as: readonly string[], ...args: string[]) => {
      const [command = '', ...rest] = [...as, process.execPath, '-e', script, ...args];
      const { stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout);
    };
    expect(asked(PLAIN, namespace)).toEqual([1, [1000], []]);
    expect(asked([...withoutIterators(), ...PLAIN], namespace)).toEqual([0, [], ['tasks-hidden']]);
    // A runtime that has entered the cgroup, and executes something in the namespace later.
    const outside = start('perl', '-e', call(1001));
    const [mount = ''] = hierarchies();
    const group = join(mount, `sysieve-rights-${process.pid}`);
    mkdirSync(group);
    groups.push(group);
    writeFileSync(join(group, 'cgroup.procs'), String(outside));
    for (const as of [[], PLAIN]) expect(asked(as, namespace, group)).toEqual([2, [1000], []]);
  });
});

privileged('doctor', () => {
  const found = (as: readonly string[]) => {
    const [command = '', ...rest] = [...as, process.execPath, CLI, 'doctor', '--json'];
    const { stdout } = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' });
    const { findings } = JSON.parse(stdout) as { findings: { name: string }[] };
    return findings.find(({ name }) => name === 'processes of others');
  };

  it('says who may not look at processes of others, and what that takes', () => {
    expect(found([])).toMatchObject({ ok: true });
    const remedy = expect.stringContaining('CAP_SYS_PTRACE');
    expect(found(PLAIN)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('neither their programs'),
      remedy,
    });
    expect(found([...HIDDEN, ...PLAIN])).toMatchObject({
      ok: false,
      detail: expect.stringContaining('hidepid'),
      remedy,
    });
  });
});
