/** How a recording ends, whatever ends it: written or not at all, and nothing left in the kernel. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRecording } from '../../src/recording';
import {
  CLI,
  eventually,
  privileged,
  programsOf,
  ROOT,
  scratch,
  startRecorder,
  stillLoaded,
  sysieve,
} from '../support/recorder';

const space = scratch();
afterAll(() => space.remove());
const file = (name: string): string => join(space.dir, name);
const run = (path: string) => {
  const [first] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (first === undefined) throw new Error('no run');
  return first;
};

/** A process that makes calls all the time and says when it runs. */
async function busy(): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['-e', 'setInterval(() => require("fs").statSync("/"), 5); console.log("up")'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

const alive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null;

privileged('a recording ends', () => {
  let target: ChildProcess;
  beforeEach(async () => {
    target = await busy();
  });
  afterEach(() => {
    target.kill('SIGKILL');
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s: written, the target unharmed',
    async (signal) => {
      const output = file(`${signal}.json`);
      const recorder = await startRecorder(['--pid', String(target.pid), '-o', output]);
      expect(programsOf(recorder.child.pid ?? 0).length).toBeGreaterThan(0);
      await sleep(100);
      recorder.child.kill(signal);
      expect(await recorder.exited).toEqual({ status: 0, signal: null });
      const { calls, completeness } = run(output);
      expect(calls.length).toBeGreaterThan(0);
      // Attached late, and says so.
      expect(completeness.complete).toBe(false);
      expect(completeness.attachedLate?.targetAgeMs).toBeGreaterThanOrEqual(0);
      expect(alive(target)).toBe(true);
    },
  );

  it('by SIGKILL: nothing written, nothing left attached, the target unharmed', async () => {
    const output = file('killed.json');
    const recorder = await startRecorder(['--pid', String(target.pid), '-o', output]);
    const held = programsOf(recorder.child.pid ?? 0);
    expect(held.length).toBeGreaterThan(0);
    recorder.child.kill('SIGKILL');
    await recorder.exited;
    await eventually('the kernel has freed the programs', () => stillLoaded(held).length === 0);
    expect(readdirSync(space.dir).filter((name) => name.includes('killed'))).toEqual([]);
    expect(alive(target)).toBe(true);
  });

  it('with its target', async () => {
    const output = file('target-ended.json');
    const recorder = await startRecorder(['--pid', String(target.pid), '-o', output]);
    target.kill('SIGKILL');
    expect(await recorder.exited).toEqual({ status: 0, signal: null });
    expect(run(output).durationMs).toBeGreaterThan(0);
  });

  it('after --duration', async () => {
    const output = file('duration.json');
    const done = sysieve([
      'record',
      '--pid',
      String(target.pid),
      '--duration',
      '300ms',
      '-o',
      output,
    ]);
    expect(done.status).toBe(0);
    expect(run(output).durationMs).toBeGreaterThanOrEqual(300);
  });

  it('with its target, whatever zombies that had', async () => {
    const parent = spawn('perl', [
      '-e',
      '$| = 1; if (!fork) { exit 0 } sleep 1; print "up\\n"; sleep 600',
    ]);
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const output = file('zombie.json');
    const recorder = await startRecorder(['--pid', String(parent.pid), '-o', output]);
    parent.kill('SIGKILL');
    expect(await recorder.exited).toEqual({ status: 0, signal: null });
    expect(run(output).completeness.complete).toBe(false);
  });

  it('after --duration although its command lives on', async () => {
    const output = file('lives-on.json');
    const pid = file('lives-on.pid');
    const script = `echo $$ > ${pid}; exec sleep 100 > /dev/null 2>&1`;
    const args = ['--duration', '2s', '-o', output, '--', 'sh', '-c', script];
    const recorder = await startRecorder(args);
    const ended = await recorder.exited;
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
    expect(ended).toEqual({ status: 0, signal: null });
    expect(recorder.stderr()).toContain('lives on');
    expect(run(output).executables).toContain('/usr/bin/sleep');
  });

  it('with the descendants of its command, not before', async () => {
    const output = file('descendants.json');
    const done = sysieve([
      'record',
      '-o',
      output,
      '--',
      'sh',
      '-c',
      '(sleep 0.7; ls / >/dev/null) & exit 7',
    ]);
    expect(done.status).toBe(7);
    expect(done.stderr).toContain('descendant');
    const recorded = run(output);
    expect(recorded.executables).toContain('/usr/bin/ls');
    expect(recorded.completeness.complete).toBe(true);
  });

  it('forwards SIGTERM to its command and takes over its status', async () => {
    const output = file('forward.json');
    const recorder = await startRecorder([
      '-o',
      output,
      '--',
      'sh',
      '-c',
      'trap "exit 9" TERM; while :; do sleep 0.05; done',
    ]);
    await sleep(300);
    recorder.child.kill('SIGTERM');
    expect(await recorder.exited).toEqual({ status: 9, signal: null });
    expect(run(output).completeness.complete).toBe(true);
  });
});

privileged('a recording is refused', () => {
  it('for a process that has ended', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.once('close', resolve));
    const output = file('ended.json');
    const done = sysieve(['record', '--pid', String(child.pid), '-o', output]);
    expect(done.status).toBe(3);
    expect(done.stderr).toContain(`there is no process ${child.pid}`);
    expect(existsSync(output)).toBe(false);
  });

  it('for a cgroup that is none', () => {
    const done = sysieve(['record', '--json', '--cgroup', '/tmp', '-o', file('cgroup.json')]);
    expect(done.status).toBe(3);
    expect(JSON.parse(done.stdout).error.code).toBe('cgroup-not-found');
  });

  it.each([
    ['a symbolic link', () => symlinkSync('/tmp/elsewhere', file('link.json')), 'link.json'],
    ['a directory', () => mkdirSync(file('directory.json')), 'directory.json'],
    ['a missing directory', () => undefined, 'missing/recording.json'],
  ])('before it starts when the output is %s', (_name, prepare, name) => {
    prepare();
    const witness = file(`started-${name.replace('/', '-')}`);
    const done = sysieve(['record', '-o', file(name), '--', 'touch', witness]);
    expect(done.status).toBe(3);
    expect(existsSync(witness)).toBe(false);
    expect(existsSync('/tmp/elsewhere')).toBe(false);
  });

  it('without the privilege: exit 4, in the words of doctor', () => {
    const nobody = [
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      '--inh-caps=-all',
      '--',
    ];
    const { spawnSync } = require('node:child_process') as typeof import('node:child_process');
    const as = (args: string[]) =>
      spawnSync('setpriv', [...nobody, process.execPath, join(ROOT, 'dist/cli/main.js'), ...args], {
        encoding: 'utf8',
        cwd: '/',
      });
    const how = ['--tracer', 'ebpf', '-o', '/tmp/never.json', '--json'];
    const recorded = as(['record', ...how, '--', 'true']);
    expect(recorded.status).toBe(4);
    const { error } = JSON.parse(recorded.stdout);
    expect(error.code).toBe('no-privilege');
    const doctor = as(['doctor', '--json']);
    // What needs no privilege is usable all the same.
    expect(doctor.status).toBe(0);
    const { findings } = JSON.parse(doctor.stdout);
    expect(findings).toContainEqual(expect.objectContaining({ name: 'tracer notify', ok: true }));
    const tracer = findings.find((f: { name: string }) => f.name.startsWith('tracer'));
    expect(tracer).toMatchObject({ ok: false, remedy: error.remedy });
    expect(tracer.detail).toContain(error.message);
    expect(existsSync('/tmp/never.json')).toBe(false);
  });

  it.each([
    [['record', '-o', 'x.json'], 'target'],
    [['record', '--pid', '1', '--cgroup', '/x', '-o', 'x.json'], 'exclude'],
    [['record', '--pid', '0', '-o', 'x.json'], 'id of a process'],
    [['record', '--pid', '1', '--duration', 'soon', '-o', 'x.json'], 'time'],
    [['record', '--nonsense'], 'nonsense'],
  ])('with usage errors: %j', (args, word) => {
    const done = sysieve(args, { cwd: space.dir });
    expect(done.status).toBe(2);
    expect(done.stderr).toContain(word);
    expect(existsSync(file('x.json'))).toBe(false);
  });
});

privileged('names from the target', () => {
  it('are cut where a command is longer than a recording holds', () => {
    const output = file('long.json');
    const done = sysieve(['record', '-o', output, '--', 'true', 'x'.repeat(100_000)]);
    expect(done.status).toBe(0);
    expect(run(output).target.name).toHaveLength(4096);
    expect(run(output).completeness.complete).toBe(true);
  });

  it('reach the recording exactly and the terminal never raw', () => {
    const hostile = file('evil\u001b]0;owned\u0007\u202e.sh');
    writeFileSync(hostile, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const output = file('hostile.json');
    const done = sysieve(['record', '-o', output, '--', hostile]);
    expect(done.status).toBe(0);
    expect(done.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    expect(run(output).executables).toContain(hostile);
    expect(readFileSync(output, 'utf8')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
  });
});

privileged('a process id that is used again', () => {
  /** Makes the kernel hand out `pid` next. */
  const forceNext = (pid: number): void =>
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
  const MARK = 1000; // no such call: only the neighbour makes it

  it('never mixes the newcomer into the recording', async () => {
    const rounds = process.env.SYSIEVE_SOAK === '1' ? 100 : 10;
    const OLD_MS = 2500;
    const BATCH = 10; // each is busy: more would leave the recorder no processor
    const victims: ChildProcess[] = [];
    let reused = 0;
    let aimed = 0;
    for (let round = 0; round < rounds; round++) {
      if (victims.length === 0) {
        for (let made = 0; made < BATCH; made++) victims.push(await busy());
        await sleep(OLD_MS + 500);
      }
      const victim = victims.pop() as ChildProcess;
      const pid = victim.pid ?? 0;
      const output = file(`reused-${round}.json`);
      const args = ['record', '--pid', String(pid), '-o', output, '--duration', '2s'];
      const recorder = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
      const exited = new Promise<number | null>((resolve) => recorder.once('close', resolve));
      // From before the look-up to after the arming, also where the start is slow.
      await sleep(100 + (round * 1900) / rounds);
      victim.kill('SIGKILL');
      await new Promise((resolve) => victim.once('close', resolve));
      forceNext(pid);
      const neighbour = spawn(
        'perl',
        ['-e', `for (1..400) { syscall(${MARK}); select(undef, undef, undef, 0.005) }`],
        {
          stdio: 'ignore',
        },
      );
      if (neighbour.pid === pid) reused++;
      const status = await exited;
      neighbour.kill('SIGKILL');
      if (!existsSync(output)) {
        expect(status).toBe(3);
        continue;
      }
      expect(status).toBe(0);
      const { calls, completeness } = run(output);
      // Looked up only when the id was the newcomer's: then that is what was asked for.
      if ((completeness.attachedLate?.targetAgeMs ?? 0) < OLD_MS) continue;
      aimed++;
      expect(calls.map((call) => call.number)).not.toContain(MARK);
    }
    // The kernel may give an id to something else in between, but not every time.
    expect(reused).toBeGreaterThan(0);
    expect(aimed).toBeGreaterThan(0);
  }, 900_000);
});
