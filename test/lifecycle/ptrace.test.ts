/** The ptrace tracer: what it sees, and how it leaves a target, whatever ends it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRecording, type Run } from '../../src/recording';
import {
  CLI,
  eventually,
  privileged,
  type Running,
  scratch,
  startRecorder,
  sysieve,
} from '../support/recorder';

const space = scratch();
afterAll(() => space.remove());
const file = (name: string): string => join(space.dir, name);
const read = (path: string): Run => {
  const [first] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (first === undefined) throw new Error('no run');
  return first;
};
const count = (run: Run, name: string): number =>
  run.calls.find((call) => call.name === name)?.count ?? 0;

/** Two threads that make calls all the time; says how many SIGUSR2 it was given, at each. */
const WORKER = `
  const { Worker } = require('node:worker_threads');
  const busy = 'setInterval(() => require("node:fs").statSync("/"), 1)';
  for (const _ of [1, 2]) new Worker(busy, { eval: true });
  let got = 0;
  process.on('SIGUSR2', () => console.log('usr2 ' + ++got));
  setTimeout(() => console.log('up'), 100);
`;

interface Target {
  child: ChildProcess;
  pid: number;
  /** One SIGUSR2, and its handler's answer; rejects when that does not come. */
  ping(): Promise<void>;
}

async function worker(options: { uid?: number; gid?: number } = {}): Promise<Target> {
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const child = spawn(process.execPath, ['-e', WORKER], {
    stdio: [...stdio],
    cwd: '/',
    ...options,
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await eventually('the target runs', () => output.includes('up'));
  let pings = 0;
  const ping = async (): Promise<void> => {
    pings += 1;
    child.kill('SIGUSR2');
    const until = Date.now() + 10_000;
    while (!output.includes(`usr2 ${pings}\n`)) {
      if (Date.now() > until) throw new Error(`SIGUSR2 ${pings} was not handled`);
      await sleep(1);
    }
    if (output.includes(`usr2 ${pings + 1}\n`)) throw new Error('a signal was delivered twice');
  };
  if (child.pid === undefined) throw new Error('not started');
  return { child, pid: child.pid, ping };
}

interface TaskState {
  tracer: number;
  state: string;
}

function tasks(pid: number): TaskState[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
      const field = (name: string): string =>
        new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '?';
      return [{ tracer: Number(field('TracerPid')), state: field('State') }];
    } catch {
      return []; // ended since it was listed
    }
  });
}

const untraced = (pid: number): boolean => tasks(pid).every(({ tracer }) => tracer === 0);

async function expectUnharmed(target: Target): Promise<void> {
  await eventually('nothing traces it', () => untraced(target.pid));
  expect(tasks(target.pid).filter(({ state }) => 'tT'.includes(state))).toEqual([]);
  await target.ping();
}

const attach = (pid: number, output: string): Promise<Running> =>
  startRecorder(['--tracer', 'ptrace', '--pid', String(pid), '-o', output]);

privileged('a running process', () => {
  let target: Target;
  beforeEach(async () => {
    target = await worker();
  });
  afterEach(() => {
    target.child.kill('SIGKILL');
  });

  it('is recorded with all its threads, and left as it was at SIGINT', async () => {
    const output = file('sigint.json');
    const recorder = await attach(target.pid, output);
    expect(tasks(target.pid).every(({ tracer }) => tracer > 0)).toBe(true);
    await target.ping();
    await sleep(200);
    recorder.child.kill('SIGINT');
    expect(await recorder.exited).toEqual({ status: 0, signal: null });
    await expectUnharmed(target);
    const run = read(output);
    expect(run.tracer).toBe('ptrace');
    expect(count(run, 'statx')).toBeGreaterThan(20);
    expect(run.executables).toEqual([process.execPath]);
    expect(run.completeness).toMatchObject({
      complete: false,
      startsSeen: 0,
      callsLost: 0,
      tasksLost: 0,
      deniedSinceMs: null,
      blindSpots: ['denied-from-failed'],
    });
  });

  it('is left as it was after --duration', async () => {
    const output = file('duration.json');
    const done = sysieve(
      ['record', '--tracer', 'ptrace', '--pid', String(target.pid), '--duration', '300ms'].concat(
        '-o',
        output,
      ),
    );
    expect(done.status).toBe(0);
    expect(read(output).durationMs).toBeGreaterThanOrEqual(300);
    await expectUnharmed(target);
  });

  it('is left as it was when the recorder is killed, at any moment', async () => {
    for (let round = 0; round < (process.env.SYSIEVE_SOAK === '1' ? 100 : 4); round++) {
      const recorder = await attach(target.pid, file('killed.json'));
      const pings = (async () => {
        for (let i = 0; i < 20; i++) await target.ping();
      })();
      await sleep(Math.random() * 40);
      recorder.child.kill('SIGKILL');
      await recorder.exited;
      // A signal that was on its way is not lost with the recorder.
      await pings;
      await expectUnharmed(target);
    }
    expect(existsSync(file('killed.json'))).toBe(false);
  });

  it('is given each signal once', async () => {
    const recorder = await attach(target.pid, file('storm.json'));
    for (let i = 0; i < 200; i++) await target.ping();
    recorder.child.kill('SIGINT');
    await recorder.exited;
    expect(count(read(file('storm.json')), 'rt_sigreturn')).toBeGreaterThanOrEqual(200);
    await expectUnharmed(target);
  });

  it('that is stopped stays so, until it is continued', async () => {
    target.child.kill('SIGSTOP');
    await eventually('stopped', () => tasks(target.pid).every(({ state }) => state === 'T'));
    const recorder = await attach(target.pid, file('stopped.json'));
    await sleep(100);
    recorder.child.kill('SIGINT');
    expect((await recorder.exited).status).toBe(0);
    await eventually('stopped and untraced', () =>
      tasks(target.pid).every(({ tracer, state }) => tracer === 0 && state === 'T'),
    );
    await sleep(50);
    expect(tasks(target.pid).every(({ state }) => state === 'T')).toBe(true);
    target.child.kill('SIGCONT');
    await expectUnharmed(target);
  });

  it('stops and goes on while it is recorded', async () => {
    const recorder = await attach(target.pid, file('continued.json'));
    for (let i = 0; i < 5; i++) {
      target.child.kill('SIGSTOP');
      await sleep(20);
      target.child.kill('SIGCONT');
      await target.ping();
    }
    target.child.kill('SIGSTOP');
    await sleep(50);
    recorder.child.kill('SIGKILL');
    await recorder.exited;
    await eventually('stopped and untraced', () =>
      tasks(target.pid).every(({ tracer, state }) => tracer === 0 && state === 'T'),
    );
    target.child.kill('SIGCONT');
    await expectUnharmed(target);
  });

  it('whose tracer is killed makes no complete recording', async () => {
    const output = file('tracer-killed.json');
    const recorder = await attach(target.pid, output);
    const tracer = tasks(target.pid)[0]?.tracer ?? 0;
    expect(tracer).toBeGreaterThan(0);
    expect(tracer).not.toBe(recorder.child.pid);
    process.kill(tracer, 'SIGKILL');
    await eventually('detached', () => untraced(target.pid));
    expect((await recorder.exited).status).toBe(0);
    const { completeness } = read(output);
    expect(completeness.complete).toBe(false);
    expect(completeness.tasksLost).toBeGreaterThan(0);
    await expectUnharmed(target);
  });

  it('that another traces is refused, by the name of that one', async () => {
    const args = ['-f', '-o', '/dev/null', '-p', String(target.pid)];
    const other = spawn('strace', args, { stdio: 'ignore' });
    await eventually('strace is there', () => tasks(target.pid).every((task) => task.tracer > 0));
    const args2 = ['--tracer', 'ptrace', '--pid', String(target.pid), '-o', file('busy.json')];
    const done = sysieve(['record', '--json', ...args2]);
    other.kill('SIGINT');
    expect(done.status).toBe(4);
    const { error } = JSON.parse(done.stdout);
    expect(error.code).toBe('process-traced');
    expect(error.cause).toContain(`process ${other.pid} (strace)`);
    expect(error.remedy).not.toBeNull();
    await expectUnharmed(target);
  });
});

privileged('a target that serves its own memory', () => {
  const program = file('own-memory');
  beforeAll(() => {
    const source = join(__dirname, '../support/own-memory.c');
    execFileSync('cc', ['-O1', '-pthread', '-o', program, source]);
  });

  it.each(['--duration', 'SIGINT', 'its own end'])(
    'does not hold the recorder: %s',
    async (end) => {
      const target = spawn(program, { stdio: ['pipe', 'pipe', 'ignore'] });
      try {
        let said = '';
        target.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text;
        });
        await eventually('the target is ready', () => said !== '');
        expect(said).toBe('ready\n');
        const output = file('own-memory.json');
        const limit = end === '--duration' ? ['--duration', '5s'] : [];
        const recorder = await startRecorder(
          ['--tracer', 'ptrace', '--pid', String(target.pid), '-o', output].concat(limit),
        );
        target.stdin.write('go\n');
        // In clone3, and not in the stop at its entry.
        await eventually(
          'it waits for its own page',
          () =>
            tasks(target.pid ?? 0)[0]?.state === 'S' &&
            readFileSync(`/proc/${target.pid}/syscall`, 'latin1').startsWith('435 '),
        );
        if (end === 'SIGINT') recorder.child.kill('SIGINT');
        if (end === 'its own end') target.kill('SIGKILL');
        expect(await recorder.exited).toEqual({ status: 0, signal: null });
        const run = read(output);
        const clone3 = run.calls.find(({ name }) => name === 'clone3');
        expect(clone3).toMatchObject({ count: 1, args: { tuples: [], unreadable: 1 } });
        expect(count(run, 'getpgid')).toBeGreaterThan(0);
        expect(run.completeness).toMatchObject({
          argumentOverflow: 1,
          callsLost: 0,
          // It may have asked for a child that no tracer is told of, and did not come back.
          tasksLost: end === 'its own end' ? 1 : 0,
          blindSpots: ['denied-from-failed'],
        });
        if (end !== 'its own end') expect(untraced(target.pid ?? 0)).toBe(true);
      } finally {
        target.kill('SIGKILL');
      }
    },
  );
});

/** Freezes a process by cgroup. Of v2 it can still be killed, of v1 it cannot. */
interface Freezer {
  freeze(pid: number): Promise<void>;
  thaw(): void;
  remove(): Promise<void>;
}

function freezer(parent: string, control: string, [frozen, thawed]: [string, string]): Freezer {
  const group = join(parent, `sysieve-frozen-${process.pid}`);
  mkdirSync(group);
  const write = (name: string, text: string): void => writeFileSync(join(group, name), text);
  const told = control === 'cgroup.freeze' ? 'cgroup.events' : control;
  return {
    async freeze(pid) {
      write('cgroup.procs', String(pid));
      write(control, frozen);
      await eventually('it is frozen', () =>
        /^(?:FROZEN|frozen 1)$/m.test(readFileSync(join(group, told), 'latin1')),
      );
    },
    thaw: () => write(control, thawed),
    async remove() {
      write(control, thawed);
      await eventually('the cgroup is empty', () => {
        try {
          rmdirSync(group);
          return true;
        } catch {
          return false;
        }
      });
    },
  };
}

const V2 = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((at) =>
  existsSync(join(at, 'cgroup.controllers')),
);
const V1 = existsSync('/sys/fs/cgroup/freezer/cgroup.procs') ? '/sys/fs/cgroup/freezer' : undefined;

privileged('a tracer that does not answer', () => {
  let target: Target;
  let recorder: Running;
  const output = file('frozen.json');
  const tracerOf = (pid: number): number => tasks(pid)[0]?.tracer ?? 0;
  beforeEach(async () => {
    target = await worker();
    recorder = await attach(target.pid, output);
    await target.ping();
  });
  afterEach(() => {
    target.child.kill('SIGKILL');
  });

  const expectLost = (): void => {
    const run = read(output);
    expect(count(run, 'statx')).toBeGreaterThan(0);
    expect(run.completeness.complete).toBe(false);
    expect(run.completeness.tasksLost).toBeGreaterThan(0);
    expect(run.completeness.blindSpots).toContain('tracer-lost');
    expect(recorder.stderr()).toMatch(/NOT complete: .*its tracer was killed, or was held up/);
  };

  /** The tracer is frozen for as long as `body` takes. */
  async function whileFrozen(cold: Freezer, body: () => Promise<void>): Promise<void> {
    try {
      await cold.freeze(tracerOf(target.pid));
      await body();
    } finally {
      await cold.remove();
    }
  }

  (V2 === undefined ? it.skip : it)('is killed at the end', async () => {
    await whileFrozen(freezer(V2 ?? '', 'cgroup.freeze', ['1', '0']), async () => {
      recorder.child.kill('SIGINT');
      expect(await recorder.exited).toEqual({ status: 0, signal: null });
      expectLost();
      await expectUnharmed(target);
    });
  });

  (V2 === undefined ? it.skip : it)('does not keep the end of the target from it', async () => {
    await whileFrozen(freezer(V2 ?? '', 'cgroup.freeze', ['1', '0']), async () => {
      target.child.kill('SIGKILL');
      expect(await recorder.exited).toEqual({ status: 0, signal: null });
      expectLost();
    });
  });

  (V1 === undefined ? it.skip : it)('and cannot be killed is left behind', async () => {
    const cold = freezer(V1 ?? '', 'freezer.state', ['FROZEN', 'THAWED']);
    const tracer = tracerOf(target.pid);
    await whileFrozen(cold, async () => {
      recorder.child.kill('SIGINT');
      expect(await recorder.exited).toEqual({ status: 0, signal: null });
      expectLost();
      expect(tracerOf(target.pid)).toBe(tracer);
      cold.thaw();
      await expectUnharmed(target);
    });
  });

  it('goes on where it was only stopped, and has lost nothing', async () => {
    process.kill(tracerOf(target.pid), 'SIGSTOP');
    recorder.child.kill('SIGINT');
    expect(await recorder.exited).toEqual({ status: 0, signal: null });
    const { completeness } = read(output);
    expect(completeness).toMatchObject({ tasksLost: 0, blindSpots: ['denied-from-failed'] });
    await expectUnharmed(target);
  });
});

privileged('a tree', () => {
  it('is followed into what it starts, and lives on', async () => {
    const script = 'while :; do /bin/true; (exec /bin/true); done';
    const shell = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true });
    const pid = shell.pid ?? 0;
    try {
      const output = file('tree.json');
      const recorder = await attach(pid, output);
      await sleep(300);
      recorder.child.kill('SIGINT');
      expect((await recorder.exited).status).toBe(0);
      const run = read(output);
      expect(run.executables).toContain('/bin/true');
      expect(run.completeness).toMatchObject({ callsLost: 0, tasksLost: 0 });
      await eventually('untraced', () => untraced(pid));
      const ticks = () => readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ').slice(13, 17);
      const before = ticks().join();
      await eventually('it works on', () => ticks().join() !== before);
    } finally {
      process.kill(-pid, 'SIGKILL');
    }
  });

  it('of a cgroup is recorded; an empty one is refused', async () => {
    const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
    const parent = v2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';
    const group = join(
      existsSync(parent) ? parent : '/sys/fs/cgroup/pids',
      `sysieve-${process.pid}`,
    );
    mkdirSync(group);
    const args = ['--tracer', 'ptrace', '--cgroup', group, '-o', file('cgroup.json')];
    const target = await worker();
    try {
      const refused = sysieve(['record', '--json', ...args]);
      expect([refused.status, JSON.parse(refused.stdout).error.code]).toEqual([3, 'cgroup-empty']);
      writeFileSync(join(group, 'cgroup.procs'), String(target.pid));
      const recorder = await startRecorder(args);
      await sleep(200);
      // With the last task the recording ends: what came later would not be seen.
      target.child.kill('SIGKILL');
      expect((await recorder.exited).status).toBe(0);
      const run = read(file('cgroup.json'));
      expect(count(run, 'statx')).toBeGreaterThan(10);
      expect(run.completeness.blindSpots).toEqual(['denied-from-failed', 'entrants-unseen']);
    } finally {
      target.child.kill('SIGKILL');
      await eventually('the cgroup is empty', () => {
        try {
          rmdirSync(group);
          return true;
        } catch {
          return false;
        }
      });
    }
  });
});

describe('a command', () => {
  const record = (name: string, command: readonly string[]) => {
    const done = sysieve(['record', '--tracer', 'ptrace', '-o', file(name), '--', ...command]);
    return { ...done, run: done.status === 4 ? null : read(file(name)) };
  };

  it('is recorded from its first instruction, and keeps its exit status', () => {
    const { status, run } = record('status.json', ['/bin/sh', '-c', 'exit 3']);
    expect(status).toBe(3);
    expect(run?.completeness).toMatchObject({ complete: true, startsSeen: 1, attachedLate: null });
    expect(run?.executables).toEqual(['/bin/sh']);
  });

  it('is given the SIGTRAP it raises', () => {
    const handled = '$SIG{TRAP} = sub { print "trap\\n" }; kill TRAP => $$ for 1..3';
    expect(record('trap.json', ['perl', '-e', handled]).stdout).toBe('trap\ntrap\ntrap\n');
    expect(record('trap.json', ['perl', '-e', 'kill TRAP => $$; sleep 9']).status).toBe(128 + 5);
  });

  it('with a child that asked for no tracer is not complete', () => {
    // clone(CLONE_UNTRACED | SIGCHLD)
    const script = 'my $p = syscall(56, 0x800011, 0, 0, 0, 0); exit if !$p; waitpid($p, 0)';
    const { run } = record('untraced.json', ['perl', '-e', script]);
    expect(run?.completeness).toMatchObject({ complete: false, tasksLost: 1 });
  });

  it('that calls ptrace, or runs under a filter, has that declared', () => {
    const nested = record('nested.json', ['perl', '-e', 'syscall(101, 0, 0, 0, 0)']).run;
    expect(nested?.completeness.blindSpots).toContain('nested-ptrace');
    const program = join(__dirname, '..', '..', 'build', 'fixtures', 'denied-errno');
    if (!existsSync(program)) spawnSync(join(__dirname, '..', '..', 'scripts', 'build-fixtures'));
    const filtered = record('filtered.json', [program]).run;
    expect(filtered?.completeness.blindSpots).toContain('denied-as-attempts');
    const minimised = sysieve(['minimise', file('filtered.json'), '-o', file('p.json')]);
    expect(minimised.stderr).toMatch(/wider: .*cannot tell what that denied/);
  });

  it('takes no --denied, and says why', () => {
    const args = ['record', '--json', '--tracer', 'ptrace', '--denied', '--', 'true'];
    const done = sysieve(args, { cwd: space.dir });
    expect(done.status).toBe(2);
    expect(JSON.parse(done.stdout).error.code).toBe('denied-unseen');
  });
});

privileged('another user', () => {
  const as = (args: readonly string[]) =>
    spawnSync(
      'setpriv',
      ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, CLI].concat(
        args,
      ),
      { encoding: 'utf8', timeout: 180_000, cwd: '/' },
    );
  beforeAll(() => chmodSync(space.dir, 0o777));

  it('records a command and an own process, without privileges', async () => {
    const started = as(['record', '--tracer', 'ptrace', '-o', file('own.json'), '--', '/bin/true']);
    expect([started.status, started.stderr]).toEqual([0, expect.stringContaining('complete: ')]);
    const target = await worker({ uid: 65534, gid: 65534 });
    try {
      const pid = String(target.pid);
      const args = [
        '--tracer',
        'ptrace',
        '--pid',
        pid,
        '--duration',
        '200ms',
        '-o',
        file('u.json'),
      ];
      expect(as(['record', ...args]).status).toBe(0);
      expect(count(read(file('u.json')), 'statx')).toBeGreaterThan(10);
      await expectUnharmed(target);
    } finally {
      target.child.kill('SIGKILL');
    }
  });

  it.each([String(process.pid), '1'])("is refused others' processes: %s", (pid) => {
    const args = ['--tracer', 'ptrace', '--pid', pid, '-o', file('other.json')];
    const done = as(['record', '--json', ...args]);
    expect(done.status).toBe(4);
    const { error } = JSON.parse(done.stdout);
    expect(error.code).toBe('no-privilege');
    expect(error.remedy).toContain('CAP_SYS_PTRACE');
  });
});
