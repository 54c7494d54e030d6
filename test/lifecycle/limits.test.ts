/**
 * The limits of a recording (docs/INTERNALS.md), hit on purpose with every tracer: what is beyond one
 * is counted, and what was made is what was seen plus what was counted as lost.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { eventually, privileged, scratch, startRecorder, sysieve } from '../support/recorder';
import { choicesTested } from '../support/tracers';

const space = scratch();
afterAll(() => space.remove());
const file = (name: string): string => join(space.dir, name);

const runOf = (path: string): Run => {
  const [run] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (run === undefined) throw new Error(`no run in ${path}`);
  return run;
};

privileged.each(choicesTested())('with $name', ({ choice, how }) => {
  const record = (name: string, ...command: string[]): Run => {
    const output = file(`${choice}-${name}.json`);
    const { status, stderr } = sysieve(['record', ...how, '-o', output, '--', ...command]);
    expect([status, stderr]).toEqual([0, expect.anything()]);
    return runOf(output);
  };
  const perl = (name: string, script: string): Run => record(name, '/usr/bin/perl', '-e', script);

  it('numbers that no table has: all of them, or not complete by as many as are missing', () => {
    const { calls, completeness } = perl('numbers', 'syscall($_) for 600..19999');
    const seen = calls.filter(({ number }) => number >= 600).reduce((sum, c) => sum + c.count, 0);
    expect(seen + completeness.callsLost).toBe(19_400);
    expect(completeness.complete).toBe(completeness.callsLost === 0);
  });

  it('distinct arguments of a call', () => {
    const { calls, completeness } = perl('tuples', 'syscall(16, -1, $_) for 1..300');
    const args = calls.find(({ name }) => name === 'ioctl')?.args;
    const kept = args?.tuples.filter(({ values }) => BigInt(values[0] ?? 0) <= 300n) ?? [];
    expect(kept.length + (args?.overflow ?? 0)).toBeGreaterThanOrEqual(300);
    expect(completeness.argumentOverflow).toBe(args?.overflow);
  });

  it('executables: calls beyond the limit count under none', () => {
    mkdirSync(file(`${choice}-links`));
    for (let i = 0; i < 130; i++) symlinkSync('/bin/true', file(`${choice}-links/${i}`));
    const script = `for link in ${file(`${choice}-links`)}/*; do $link; done`;
    const { calls, executables, completeness } = record('links', '/bin/sh', '-c', script);
    expect(executables.length + completeness.executablesOverLimit).toBe(131);
    expect(calls.find(({ name }) => name === 'execve')?.count).toBe(130);
  });

  it('paths: whole, or cut and counted', () => {
    const dir = join(space.dir, 'd'.repeat(200), choice.repeat(20));
    mkdirSync(dir, { recursive: true });
    copyFileSync('/bin/true', join(dir, 'long'));
    const { executables, completeness } = record('path', join(dir, 'long'));
    expect(executables).toHaveLength(1);
    const [path = ''] = executables;
    expect(join(dir, 'long').startsWith(path)).toBe(true);
    expect(path === join(dir, 'long')).toBe(completeness.pathsTruncated === 0);
  });
});

privileged('with ebpf, which alone records cgroups', () => {
  const group = `/sys/fs/cgroup/pids/sysieve-limits-${process.pid}`;
  beforeEach(() => mkdirSync(group));
  afterEach(async () => {
    for (const name of readdirSync(group)) {
      if (name.startsWith('sub-')) rmdirSync(join(group, name));
    }
    await eventually('the cgroup can be removed', () => {
      try {
        rmdirSync(group);
        return true;
      } catch {
        return false;
      }
    });
  });

  it('cgroups beyond the limit make it incomplete', async () => {
    const output = file('cgroups.json');
    const recorder = await startRecorder(['--cgroup', group, '-o', output]);
    for (let i = 0; i < 4_200; i++) mkdirSync(join(group, `sub-${i}`));
    recorder.child.kill('SIGINT');
    expect((await recorder.exited).status).toBe(0);
    // The recorded one takes a place, too.
    expect(runOf(output).completeness).toMatchObject({ cgroupsOverLimit: 105, complete: false });
  });

  it('threads that move in together, beyond the limit, make it incomplete', async () => {
    const output = file('moved.json');
    const script = `
import threading, time
for _ in range(600): threading.Thread(target=time.sleep, args=(100,)).start()
`;
    const crowd = spawn('/usr/bin/python3', ['-c', script], { stdio: 'ignore' });
    try {
      const tasks = () => readdirSync(`/proc/${crowd.pid}/task`).length;
      await eventually('all threads are there', () => tasks() === 601, 30_000);
      const recorder = await startRecorder(['--cgroup', group, '-o', output]);
      writeFileSync(join(group, 'cgroup.procs'), `${crowd.pid}`);
      recorder.child.kill('SIGINT');
      expect((await recorder.exited).status).toBe(0);
      const { completeness } = runOf(output);
      expect(completeness.complete).toBe(false);
      expect(completeness.tasksLost).toBeGreaterThan(0);
    } finally {
      crowd.kill('SIGKILL');
    }
  });
});

privileged('a profile of what overflowed', () => {
  it('has no rule for that call, and says so', () => {
    const [recording, profile] = [file('overflow.json'), file('overflow.profile.json')];
    const script = 'syscall(16, -1, $_) for 1..300';
    sysieve(['record', '-o', recording, '--', '/usr/bin/perl', '-e', script]);
    expect(runOf(recording).completeness.argumentOverflow).toBeGreaterThan(0);
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        join(__dirname, '..', '..', 'dist', 'cli', 'main.js'),
        'minimise',
        recording,
        '--explain',
        '-o',
        profile,
      ],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/ioctl/);
    const { syscalls } = JSON.parse(readFileSync(profile, 'utf8'));
    const rules = syscalls.filter((rule: { names: string[] }) => rule.names.includes('ioctl'));
    expect(rules).toHaveLength(1);
    expect(rules[0].args ?? []).toEqual([]);
  });
});
