/**
 * Complain mode and the notify tracer on real processes: what a profile lacks is named, nothing is
 * lost or counted twice, and a recorder that dies leaves a command that lives.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { names } from '../../src/tables';
import { buildFixtures, differences, type Expectation, type Seen } from '../support/fixtures';
import {
  CLI,
  eventually,
  ROOT,
  type Running,
  scratch,
  startUntil,
  sysieve,
} from '../support/recorder';

let dir: string;
let remove: () => void;
beforeAll(() => {
  buildFixtures();
  ({ dir, remove } = scratch());
  // The user nobody reads the profiles and the programs.
  chmodSync(dir, 0o755);
  execFileSync('cc', [
    '-O1',
    '-pthread',
    '-o',
    file('storm'),
    join(__dirname, '../support/storm.c'),
  ]);
});
afterAll(() => remove());

const file = (name: string): string => join(dir, name);

/** Permits everything by name but `without`; no default that does. */
function profileWithout(name: string, ...without: string[]): string {
  const permitted = names('x86_64').filter((call) => !without.includes(call));
  const syscalls = [{ names: permitted, action: 'SCMP_ACT_ALLOW' }];
  writeFileSync(file(name), JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }));
  return file(name);
}

/** Permits nothing. */
function profileOfNothing(name: string): string {
  writeFileSync(file(name), JSON.stringify({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }));
  return file(name);
}

function runIn(path: string): Run {
  const [run] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (run === undefined) throw new Error('an empty recording');
  return run;
}

/** Processes; the fixture's own number takes too long on a busy machine. */
const BURST = process.env.SYSIEVE_SOAK === '1' ? '10000' : '2000';

let made = 0;
function complain(profile: string, ...command: string[]) {
  const output = file(`${++made}.json`);
  const result = sysieve([
    'run',
    '--profile',
    profile,
    '--complain',
    '-o',
    output,
    '--',
    ...command,
  ]);
  return { ...result, run: existsSync(output) ? runIn(output) : null };
}

/** [name, count, paths] of the application's calls. */
function callsOf(run: Run | null): [string | null, number, string[]][] {
  return (run?.calls ?? [])
    .filter(({ phases }) => phases.some((phase) => phase !== 'runtime'))
    .map(({ name, count, executables }) => [
      name,
      count,
      executables.map((index) => run?.executables[index] ?? ''),
    ]);
}

/** Without what the launcher made: its execve. */
function seenOf(run: Run | null): Seen[] {
  return (run?.calls ?? [])
    .filter(({ phases }) => phases.some((phase) => phase !== 'runtime'))
    .map(({ abi, number, count, executables }) => ({
      abi,
      number,
      count,
      executables: executables.map((index) => run?.executables[index] ?? ''),
    }));
}

const countOf = (run: Run | null, name: string): number =>
  run?.calls.find((call) => call.name === name)?.count ?? 0;

describe('run --complain', () => {
  it('records nothing under a profile that permits all that is called', () => {
    const { status, stderr, run } = complain(
      profileWithout('all'),
      'sh',
      '-c',
      'ls / >/dev/null; exit 7',
    );
    expect(status).toBe(7);
    expect(callsOf(run)).toEqual([]);
    expect(run?.completeness).toMatchObject({
      complete: false,
      startsSeen: 1,
      callsLost: 0,
      blindSpots: ['permitted-calls'],
    });
    expect(stderr).toMatch(/should sysieve end before the command, .* answers ENOSYS/);
    expect(stderr).toMatch(/nothing was called that the profile does not allow/);
  });

  it('names exactly what is missing, with arguments and executable, through children and execs', () => {
    const profile = profileWithout('narrow', 'mkdir', 'socket', 'rmdir');
    const script = `mkdir ${file('a')} ${file('b')}; (rmdir ${file('a')}) & wait; exec rmdir ${file('b')}`;
    const { status, stderr, run } = complain(profile, 'sh', '-c', script);
    expect(status).toBe(0);
    const by = (name: string) => callsOf(run).find(([call]) => call === name)?.[2][0] ?? '';
    expect(callsOf(run)).toEqual([
      ['mkdir', 2, [expect.stringMatching(/bin\/mkdir$/)]],
      ['rmdir', 2, [expect.stringMatching(/bin\/rmdir$/)]],
    ]);
    expect(by('mkdir')).not.toBe(by('rmdir'));
    expect(existsSync(file('a')) || existsSync(file('b'))).toBe(false);
    expect(stderr).toMatch(/not allowed by the profile: mkdir, rmdir$/m);
  });

  it('continues what the profile would kill for, and tells arguments', () => {
    const profile = file('conditions.json');
    const permitted = names('x86_64').filter((call) => !['personality', 'kill'].includes(call));
    writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: 'SCMP_ACT_KILL_PROCESS',
        syscalls: [
          { names: permitted, action: 'SCMP_ACT_ALLOW' },
          {
            names: ['personality'],
            action: 'SCMP_ACT_ALLOW',
            args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }],
          },
          { names: ['kill'], action: 'SCMP_ACT_TRAP' },
        ],
      }),
    );
    // setarch -R calls personality(0xffffffff), then with ADDR_NO_RANDOMIZE.
    const { status, run } = complain(profile, 'setarch', '-R', 'sh', '-c', 'kill -0 $$');
    expect(status).toBe(0);
    expect(callsOf(run).map(([name]) => name)).toEqual(['kill', 'personality']);
    const values = run?.calls.find(({ name }) => name === 'personality')?.args?.tuples ?? [];
    expect(values.map((tuple) => tuple.values)).toContainEqual(['0x40000']);
    expect(values.map((tuple) => tuple.values)).not.toContainEqual(['0x0']);
  });

  it('is a supplement to the recordings of its profile, and no recording of its own', () => {
    const whole = file('whole.json');
    const command = ['sh', '-c', 'mkdir -p /; :'];
    expect(
      sysieve(['record', '--tracer', 'notify', '-o', whole, '--', 'sh', '-c', ':']).status,
    ).toBe(0);
    expect(runIn(whole).completeness.complete).toBe(true);
    const profile = profileWithout('supplement', 'mkdir');
    const extra = file('extra.json');
    sysieve(['run', '--profile', profile, '--complain', '-o', extra, '--', ...command]);
    const alone = sysieve(['minimise', extra, '-o', file('p.json')]);
    expect(alone.status).toBe(5);
    expect(alone.stderr).toMatch(/complain mode: the calls that its profile permits are not in it/);
    const both = sysieve(['minimise', extra, whole, '-o', file('p.json'), '--runtime', 'sysieve']);
    expect(both.status).toBe(0);
    expect(both.stderr).toMatch(/must be those that the profile was made of/);
    expect(readFileSync(file('p.json'), 'utf8')).toMatch(/"mkdir"/);
  });

  it('works without privilege, and so does the tracer', () => {
    const own = file('nobody');
    mkdirSync(own);
    const profile = profileWithout('for-nobody', 'mkdir');
    const as = process.getuid?.() === 0 ? ['--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    if (as.length > 0) execFileSync('chown', ['65534:65534', own]);
    const run = (output: string, ...args: string[]): Run => {
      execFileSync('setpriv', [...as, process.execPath, CLI, ...args], {
        cwd: own,
        stdio: 'ignore',
      });
      return runIn(join(own, output));
    };
    const complained = run(
      'c.json',
      ...['run', '--profile', profile, '--complain', '-o', 'c.json', '--', 'mkdir', 'x'],
    );
    expect(callsOf(complained)).toEqual([['mkdir', 1, [expect.stringMatching(/bin\/mkdir$/)]]]);
    const recorded = run(
      'r.json',
      ...['record', '--tracer', 'notify', '-o', 'r.json', '--', 'sh', '-c', 'mkdir y; :'],
    );
    expect(countOf(recorded, 'mkdir')).toBe(1);
    expect(recorded.completeness).toMatchObject({ complete: true, blindSpots: [] });
  });
});

describe('a recorder that ends', () => {
  // Makes a call outside every 20 ms and writes down how it went.
  const loop = (log: string): string =>
    `while :; do if mkdir ${log}.d 2>>${log}; then echo made >>${log}; rmdir ${log}.d; fi; sleep 0.02; done`;

  async function started(log: string, ...more: string[]): Promise<Running> {
    const profile = profileWithout('loop', 'mkdir');
    const args = ['run', '--profile', profile, '--complain', '-o', `${log}.json`, ...more];
    const running = await startUntil(
      process.execPath,
      [CLI, ...args, '--', 'sh', '-c', `echo $$ >${log}.pid; ${loop(log)}`],
      /answers ENOSYS/,
    );
    await eventually('a first call outside', () => read(log).includes('made'));
    return running;
  }

  const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const exitOf = ({ child }: Running): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });

  async function livesOn(log: string): Promise<void> {
    const pid = Number(read(`${log}.pid`));
    try {
      const lines = (): number => read(log).split('Function not implemented').length;
      const before = lines();
      await eventually('calls outside that fail', () => lines() >= before + 3);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^State:\s+[SRD]/m);
      expect(status).toMatch(/^TracerPid:\s+0$/m);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  }

  it('by SIGKILL leaves the command alive, its calls outside answered ENOSYS', async () => {
    const log = file('killed');
    const running = await started(log);
    running.child.kill('SIGKILL');
    await exitOf(running);
    await livesOn(log);
  });

  it('after --duration says so and writes what it saw', async () => {
    const log = file('duration');
    const running = await started(log, '--duration', '1s');
    await exitOf(running);
    expect(running.stderr()).toMatch(/lives on, no longer recorded; from now on .* answers ENOSYS/);
    expect(countOf(runIn(`${log}.json`), 'mkdir')).toBeGreaterThan(0);
    await livesOn(log);
  });
});

describe('counts', () => {
  it('of 5,000 threads are all there', () => {
    const profile = profileWithout('getuid', 'getuid', 'execve');
    const { status, stdout, stderr, run } = complain(profile, file('storm'), '0', '5000');
    expect({ status, stdout, stderr: status === 0 ? '' : stderr }).toEqual({
      status: 0,
      stdout: '0 0 5000\n',
      stderr: '',
    });
    expect(callsOf(run)).toEqual([['getuid', 5000, [file('storm')]]]);
    // The launcher's own, the last of the runtime's.
    expect(run?.calls.find(({ name }) => name === 'execve')?.phases).toEqual(['runtime']);
    expect(run?.completeness.callsLost).toBe(0);
  });

  it('under a storm of signals are of the calls that came back, none of them twice', () => {
    const { stdout, run } = complain(
      profileWithout('getppid', 'getppid'),
      file('storm'),
      '20000',
      '0',
    );
    const [back = 0, interrupted = 0] = stdout.split(' ').map(Number);
    expect(back + interrupted).toBe(20_000);
    expect(countOf(run, 'getppid')).toBe(back);
    const withdrawn = run?.completeness.blindSpots.includes('withdrawn-before-seen');
    expect(withdrawn).toBe(interrupted > 0);
    // Which calls those were nobody knows.
    expect((run?.completeness.callsLost ?? 0) > 0).toBe(withdrawn);
  });

  it.each(['short-lived', 'fork', 'threads', 'vfork'])(
    'of %s are what it says itself, with everything notified',
    (name) => {
      const fixture = join(ROOT, 'build', 'fixtures', name);
      const { status, stdout, run } = complain(
        profileOfNothing('nothing'),
        fixture,
        ...(name === 'short-lived' ? [BURST] : []),
      );
      expect(status).toBe(0);
      const said = JSON.parse(stdout) as Expectation;
      expect(differences(said, seenOf(run))).toEqual([]);
      expect(run?.completeness.callsLost).toBe(0);
    },
  );
});

describe('what cannot be', () => {
  const usage = (...args: string[]) => {
    const { status, stderr } = sysieve(args);
    return { status, stderr };
  };

  it.each<[string, string[], RegExp]>([
    [
      '--complain without -o',
      ['run', '--profile', '-', '--complain', '--', 'true'],
      /needs a place/,
    ],
    ['-o without --complain', ['run', '--profile', '-', '-o', 'x', '--', 'true'], /Add --complain/],
    ['no command', ['run', '--profile', '-', '--complain', '-o', 'x'], /no command/],
    [
      'a process',
      ['record', '--tracer', 'notify', '--pid', '1', '-o', '-'],
      /records commands only/,
    ],
  ])('%s is refused', (_what, args, text) => {
    expect(usage(...args)).toEqual({ status: 2, stderr: expect.stringMatching(text) });
  });

  it('a command that does not exist is told, and nothing is written', () => {
    const { status, stderr, run } = complain(profileWithout('x'), file('nothing-here'));
    expect({ status, run }).toEqual({ status: 2, run: null });
    expect(stderr).toMatch(/command not found/);
  });
});
