/** What enters a target from outside: by its namespaces, by its cgroup, and no longer once it ended. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../../src/capture/capture';
import type { Run } from '../../src/recording';
import { hierarchies } from '../support/hierarchies';
import { eventually, privileged } from '../support/recorder';

const TARGET = { kind: 'container', engine: null, name: null, id: null, image: null } as const;
const finish = (capture: Capture): Run =>
  capture.finish({ attachedLate: null, runtime: null, target: TARGET });
const MARK = 1000; // no such call: whoever makes it is recognised
const marks = (run: Run): number => run.calls.find((call) => call.number === MARK)?.count ?? 0;
const mark = ['perl', '-e', `syscall(${MARK}) for 1..10`];

/** Processes in mount and pid namespaces of their own, as a container has them. */
async function isolated(): Promise<{ outer: ChildProcess; init: number }> {
  const outer = spawn('unshare', [
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    '--kill-child',
    'sleep',
    '60',
  ]);
  let init = 0;
  await eventually('the namespaces have an init', () => {
    const children = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'latin1').trim();
    init = Number(children.split(' ')[0] ?? 0);
    return init > 0 && readFileSync(`/proc/${init}/comm`, 'latin1').trim() === 'sleep';
  });
  return { outer, init };
}

const inode = (pid: number, kind: string): number => statSync(`/proc/${pid}/ns/${kind}`).ino;

privileged('what joins by setns', () => {
  let container: { outer: ChildProcess; init: number };
  let capture: Capture;
  beforeEach(async () => {
    container = await isolated();
    capture = new Capture({
      execRule: 'namespace',
      mountNamespaces: [inode(container.init, 'mnt')],
      pidNamespaces: [inode(container.init, 'pid')],
    });
  });
  afterEach(() => {
    capture.abandon();
    container.outer.kill('SIGKILL');
  });

  it.each([
    ['the mount namespace', ['--mount']],
    ['the pid namespace, by its child', ['--pid']],
    ['both', ['--mount', '--pid']],
  ])('%s is recorded from its own execve on', (_name, namespaces) => {
    const entered = spawnSync('nsenter', [
      '--target',
      String(container.init),
      ...namespaces,
      '--',
      ...mark,
    ]);
    expect(entered.status).toBe(0);
    const run = finish(capture);
    expect(marks(run)).toBe(10);
    expect(run.executables).toContain('/usr/bin/perl');
    // The part of nsenter itself lies before the execve.
    expect(run.calls.map((call) => call.name)).not.toContain('setns');
  });

  it('another namespace is not recorded', async () => {
    const other = await isolated();
    spawnSync('nsenter', ['--target', String(other.init), '--mount', '--pid', '--', ...mark]);
    other.outer.kill('SIGKILL');
    expect(marks(finish(capture))).toBe(0);
  });

  it('what was inside for a look runs programs of the host', () => {
    // An agent's thread: in, out again, and only then a program.
    const script = `
      open(my $own, '<', '/proc/self/ns/mnt') or die;
      open(my $ns, '<', '/proc/${container.init}/ns/mnt') or die;
      syscall(308, fileno($ns), 0) == 0 or die; stat('/');
      syscall(308, fileno($own), 0) == 0 or die;
      exit(system(@ARGV) >> 8);`;
    expect(spawnSync('perl', ['-e', script, '--', ...mark]).status).toBe(0);
    const run = finish(capture);
    expect(run.executables).toEqual([]);
    expect(marks(run)).toBe(0);
  });

  it('a container that was given the pid namespace is not recorded', () => {
    // As a runtime does it: setns, fork, a mount namespace of its own, and only then the execve.
    const script = `
      open(my $ns, '<', '/proc/${container.init}/ns/pid') or die; syscall(308, fileno($ns), 0) == 0 or die;
      my $child = fork; if ($child) { waitpid($child, 0); exit($? >> 8) }
      syscall(272, 0x20000) == 0 or die; exec(@ARGV) or die;`;
    const entered = spawnSync('perl', ['-e', script, '--', ...mark]);
    expect(entered.status).toBe(0);
    const run = finish(capture);
    expect(run.executables).toEqual([]);
    expect(marks(run)).toBe(0);
  });

  it('nothing enters a target that has ended', async () => {
    const before = capture.poll();
    expect(before.live).toBeGreaterThan(0);
    // Held open, so that the namespaces outlive their processes, under the same inode numbers.
    const holder = spawn('sleep', ['60'], {
      stdio: [
        'ignore',
        'ignore',
        'ignore',
        require('node:fs').openSync(`/proc/${container.init}/ns/mnt`),
      ],
    });
    container.outer.kill('SIGKILL');
    await eventually('the target has ended', () => capture.poll().live === 0);
    const entered = spawnSync('nsenter', [`--mount=/proc/${holder.pid}/fd/3`, '--', ...mark]);
    holder.kill('SIGKILL');
    expect(entered.status).toBe(0);
    expect(marks(finish(capture))).toBe(0);
  });
});

privileged.each(hierarchies())('what joins the cgroup below %s', (mount) => {
  const name = `sysieve-test-${process.pid}`;
  const group = join(mount, name);
  afterEach(async () => {
    await eventually('the cgroup can be removed', () => {
      try {
        rmdirSync(group);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT';
      }
      return true;
    });
  });

  /** Moves a shell into the cgroup, which then executes the marking program. */
  const enter = (directory: string): void => {
    const script = `echo $$ > ${directory}/cgroup.procs && exec ${mark.map((word) => `'${word}'`).join(' ')}`;
    execFileSync('sh', ['-c', script]);
  };

  it('is recorded, in cgroups made later below it too', () => {
    mkdirSync(group);
    const capture = new Capture({ execRule: 'namespace', cgroups: [group] });
    enter(group);
    const below = join(group, 'below');
    mkdirSync(below);
    enter(below);
    const run = finish(capture);
    rmdirSync(below);
    expect(marks(run)).toBe(20);
    expect(run.completeness.startsSeen).toBe(2);
  });

  it('is recorded in a cgroup made later under a known name', () => {
    const capture = new Capture({ execRule: 'namespace', cgroupNames: [name] });
    mkdirSync(group);
    enter(group);
    expect(marks(finish(capture))).toBe(10);
  });

  it('is found with all its threads when it is there already', async () => {
    mkdirSync(group);
    const child = spawn('python3', [
      '-c',
      'import ctypes,threading,time\n' +
        'libc=ctypes.CDLL(None)\n' +
        'def work():\n while True:\n  libc.syscall(1000); time.sleep(0.01)\n' +
        '[threading.Thread(target=work,daemon=True).start() for _ in range(5)]\n' +
        'print("up",flush=True)\ntime.sleep(60)\n',
    ]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    const capture = new Capture({ execRule: 'namespace', cgroups: [group] });
    expect(capture.tasksFound).toBe(6);
    await eventually('its threads are seen', () => capture.poll().calls > 20n);
    const run = finish(capture);
    child.kill('SIGKILL');
    expect(marks(run)).toBeGreaterThan(10);
    expect(run.completeness.complete).toBe(false);
  });

  it('is no start when it forks and executes all the time as the tracer attaches', async () => {
    mkdirSync(group);
    const children = Array.from({ length: 8 }, () =>
      spawn('sh', ['-c', 'while :; do /bin/true; done']),
    );
    for (const { pid } of children) writeFileSync(join(group, 'cgroup.procs'), String(pid));
    for (let round = 0; round < 3; round++) {
      const capture = new Capture({ execRule: 'namespace', cgroups: [group] });
      await eventually('they call', () => capture.poll().calls > 0n);
      const { completeness } = finish(capture);
      expect(completeness).toMatchObject({ complete: false, startsSeen: 0 });
    }
    for (const child of children) child.kill('SIGKILL');
  });

  it('and is found without the filter is a runtime that is about to enter', async () => {
    mkdirSync(group);
    const child = spawn('perl', [
      '-e',
      `$| = 1; print "up\\n"; for (;;) { syscall(${MARK}); select(undef, undef, undef, 0.005) }`,
    ]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    const capture = new Capture({ execRule: 'filter', cgroups: [group] });
    await eventually('it is followed', () => capture.poll().live > 0);
    // Far more than ten calls; no progress tells, as they are not the application's.
    await sleep(1000);
    const run = finish(capture);
    child.kill('SIGKILL');
    expect(marks(run)).toBe(0);
    expect(run.completeness).toMatchObject({ complete: false, tasksUnstarted: 1 });
    expect(run.completeness.callsBeforeStart).toBeGreaterThan(10);
  });

  it('moved in while it runs brings all its threads', async () => {
    mkdirSync(group);
    const child = spawn('python3', [
      '-c',
      'import ctypes,threading,time\n' +
        'libc=ctypes.CDLL(None)\n' +
        'def work():\n while True:\n  libc.syscall(1000); time.sleep(0.01)\n' +
        '[threading.Thread(target=work,daemon=True).start() for _ in range(5)]\n' +
        'print("up",flush=True)\ntime.sleep(60)\n',
    ]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const capture = new Capture({ execRule: 'any', cgroups: [group] });
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    await eventually('all six tasks are known', () => capture.poll().live === 6);
    // They call a hundred times a second.
    await sleep(500);
    // It executes nothing any more, as a runtime would: that must not pass for a whole recording.
    const { completeness } = finish(capture);
    child.kill('SIGKILL');
    expect(completeness).toMatchObject({ complete: false, tasksUnstarted: 6 });
    expect(completeness.callsBeforeStart).toBeGreaterThan(0);
  });
});
