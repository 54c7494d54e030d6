/**
 * Faults, with every tracer: recorders and targets killed at random moments, storms of processes and
 * threads, and limits hit on purpose. The application lives; a gap is never silent.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRecording } from '../../src/recording';
import {
  buildFixtures,
  differences,
  PROGRAMS,
  readRecorded,
  recordFixture,
} from '../support/fixtures';
import { nginxServes, prepareNginx, startLoad, unwell } from '../support/nginx';
import { type Moments, moments } from '../support/random';
import { CLI, eventually, privileged, programsOf, scratch, stillLoaded } from '../support/recorder';
import { killTree, programOf, stateOf } from '../support/tasks';
import { choicesTested, declared, through, told } from '../support/tracers';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const KILLS = SOAK ? 200 : 10;
const ENDS = SOAK ? 100 : 6;
const FORKS = SOAK ? 10_000 : 1_000;
const THREADS = 5_000;
/** About what a recorder takes to start on an idle machine. */
const START_MS = 500;

jest.setTimeout(SOAK ? 3_600_000 : 180_000);
beforeAll(buildFixtures);

const space = scratch();
afterAll(() => space.remove());
const file = (name: string): string => join(space.dir, name);

interface Command {
  child: ChildProcess;
  stderr(): string;
  /** 'exit', not 'close': what a killed recorder leaves behind may keep the pipe. */
  ended: Promise<number | NodeJS.Signals>;
}

function start(args: readonly string[]): Command {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? -1)),
  );
  return { child, stderr: () => stderr, ended };
}

const isRecording = ({ stderr }: Command): boolean => stderr().includes('recording ');

/** By turns while it starts, and surely while it records, however slow the machine is. */
async function randomMoment(recorder: Command, round: number, random: Moments): Promise<void> {
  if (round % 2 === 0) await eventually('it records', () => isRecording(recorder), 30_000);
  await sleep(random.next(START_MS));
}

const runOf = (path: string) => {
  const [run] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (run === undefined) throw new Error(`no run in ${path}`);
  return run;
};

privileged.each(choicesTested())('with $name', (tracer) => {
  const { choice, how } = tracer;
  const random = moments(`faults, ${choice}`);

  if (choice === 'notify') {
    killedComplainer(random);
  } else {
    it(`nginx serves on although its recorder is killed, ${KILLS} times`, async () => {
      const dir = file(`nginx-${choice}`);
      const { command, port } = await prepareNginx(dir);
      const [name = '', ...args] = command;
      const master = spawn(name, args, { stdio: 'ignore' });
      const pid = master.pid ?? 0;
      let held: number[] = [];
      let recording = 0;
      try {
        await nginxServes(port, () => stateOf(pid) !== 'Z');
        const load = startLoad(port);
        for (let round = 0; round < KILLS; round++) {
          const output = file(`killed-${choice}-${round}.json`);
          const recorder = start(['record', ...how, '--pid', `${pid}`, '-o', output]);
          await randomMoment(recorder, round, random);
          if (choice === 'ebpf') held = [...held, ...programsOf(recorder.child.pid ?? 0)];
          if (isRecording(recorder)) recording++;
          recorder.child.kill('SIGKILL');
          expect([round, await recorder.ended, recorder.stderr()]).toEqual([
            round,
            'SIGKILL',
            expect.anything(),
          ]);
          await load.more(20);
          await eventually(`nginx is whole: ${unwell(pid, 3)}`, () => unwell(pid, 3).length === 0);
          expect(existsSync(output)).toBe(false);
        }
        await load.stop();
      } finally {
        killTree(pid);
      }
      expect(recording).toBeGreaterThan(0);
      if (choice === 'ebpf') {
        await eventually('no program is left', () => stillLoaded(held).length === 0);
      }
    });
  }

  it(`what is killed is recorded to its end, ${ENDS} times`, async () => {
    let written = 0;
    for (let round = 0; round < ENDS; round++) {
      const output = file(`ended-${choice}-${round}.json`);
      const command = [join(PROGRAMS, 'busy-churn'), '400000000'];
      const recorder = start(['record', ...how, '-o', output, '--', ...command]);
      await randomMoment(recorder, round, random);
      // The target, and no process of the recorder's own.
      const target = (pid: number) => ![process.execPath, ''].includes(programOf(pid));
      const whole = setInterval(() => killTree(recorder.child.pid ?? 0, target), 20);
      const status = await recorder.ended;
      clearInterval(whole);
      if (existsSync(output)) {
        written++;
        expect(status).toBe(128 + 9);
        const { completeness, calls } = runOf(output);
        if (completeness.startsSeen === 1) expect(calls.length).toBeGreaterThan(0);
        else expect(completeness.complete).toBe(false);
      } else {
        expect(status).not.toBe(0);
        expect(recorder.stderr()).toMatch(/sysieve: .+/);
      }
    }
    expect(written).toBeGreaterThanOrEqual(ENDS / 2);
  });

  it.each([
    ['fork-storm', FORKS],
    ['thread-storm', THREADS],
  ])('counts a %s of %d exactly', async (name, count) => {
    const { expectation, seen, run } = await recordFixture({ name }, how, [`${count}`]);
    expect(differences(through(tracer, { name }, expectation), told(tracer, seen))).toEqual([]);
    expect(run.completeness.complete).toBe(true);
  });

  it('too few descriptors are an error, or cost nothing', () => {
    const outcomes = [16, 20, 21, 22, 23, 24, 25, 26, 28, 30, 34, 40, 48, 64].map((limit) =>
      outcomeOf(`nofile-${choice}-${limit}`, ['prlimit', `--nofile=${limit}:${limit}`]),
    );
    expect(outcomes).toContain('refused');
    expect(outcomes.at(-1)).toBe('whole');
  });

  it('too little memory is an error, or costs nothing', async () => {
    const group = `/sys/fs/cgroup/memory/sysieve-faults-${process.pid}`;
    mkdirSync(group);
    try {
      const join = ['sh', '-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh'];
      const outcomes = [8, 12, 14, 16, 20, 24, 32, 40, 48, 160].map((megabytes) => {
        writeFileSync(`${group}/memory.limit_in_bytes`, `${megabytes}M`);
        return outcomeOf(`memory-${choice}-${megabytes}`, join);
      });
      expect(outcomes.some((outcome) => outcome !== 'whole')).toBe(true);
      expect(outcomes.at(-1)).toBe('whole');
    } finally {
      await emptied(group);
      rmdirSync(group);
    }
  });

  /** A command may outlive its recorder, and is ended by no other. */
  async function emptied(group: string): Promise<void> {
    await eventually('the cgroup is empty', () => {
      const left = readFileSync(`${group}/cgroup.procs`, 'latin1').split('\n').filter(Boolean);
      if (left.length > 0) spawnSync('kill', ['-KILL', ...left]);
      return left.length === 0;
    });
  }

  /** Records a fixture with a recorder under a limit. Whatever comes of it says so. */
  function outcomeOf(name: string, limited: string[]): 'refused' | 'killed' | 'whole' | 'partial' {
    const [command = '', ...prefix] = limited;
    const output = file(`${name}.json`);
    const program = join(PROGRAMS, 'threads');
    const args = [process.execPath, CLI, 'record', ...how, '-o', output, '--', program];
    const { status, signal, stdout, stderr } = spawnSync(command, [...prefix, ...args], {
      encoding: 'utf8',
      timeout: 180_000,
    });
    if (!existsSync(output)) {
      // node itself needs some of both before anything of sysieve runs, and may die without a word.
      if (signal !== null) return 'killed';
      expect([name, status]).not.toEqual([name, 0]);
      expect([name, status, stderr]).not.toEqual([name, 70, expect.anything()]);
      expect(stderr).toMatch(/EMFILE|too many open files|ENOMEM|memory/);
      return 'refused';
    }
    const { expectation, seen, run } = readRecorded(readFileSync(output, 'utf8'), stdout);
    rmSync(output);
    const found = differences(
      through(tracer, { name: 'threads' }, expectation),
      told(tracer, seen),
    );
    if (!run.completeness.complete) return 'partial';
    const extra = run.completeness.blindSpots.length > declared(tracer, { name: 'threads' }).length;
    if (extra) {
      // Such as whose a call was: declared, and every call is there all the same.
      expect([name, found.filter((what) => !/: by |: never made/.test(what))]).toEqual([name, []]);
      return 'partial';
    }
    expect([name, found]).toEqual([name, []]);
    return 'whole';
  }
});

/** For the tracer that only launches: under a profile that covers the load, its end changes nothing. */
function killedComplainer(random: Moments): void {
  it(`nginx serves on although what notes its calls is killed, ${KILLS} times`, async () => {
    const dir = file('nginx-complain');
    const { command, port } = await prepareNginx(dir);
    const profile = file('covers.json');
    await makeProfile(profile);
    for (let round = 0; round < KILLS; round++) {
      const output = file(`complain-${round}.json`);
      const how = ['run', '--profile', profile, '--complain', '-o', output, '--', ...command];
      const complainer = start(how);
      const pidOf = () => Number(readFileSync(join(dir, 'pid'), 'utf8'));
      let master = 0;
      try {
        await nginxServes(port, () => stateOf(complainer.child.pid ?? 0) !== 'Z');
        master = pidOf();
        const load = startLoad(port);
        await sleep(random.next(START_MS));
        complainer.child.kill('SIGKILL');
        expect([round, await complainer.ended]).toEqual([round, 'SIGKILL']);
        await load.more(20);
        await eventually('nginx is whole', () => unwell(master, 3).length === 0);
        expect(existsSync(output)).toBe(false);
        await load.stop();
      } finally {
        killTree(complainer.child.pid ?? 0);
        if (master > 0) killTree(master);
        await eventually('nginx is gone', () => stateOf(master) === 'Z');
      }
    }

    /** Of the same server under the same load, and with what any runtime or end of it may call. */
    async function makeProfile(path: string): Promise<void> {
      const recording = file('covers.recording.json');
      const recorder = start(['record', '--tracer', 'notify', '-o', recording, '--', ...command]);
      await nginxServes(port, () => stateOf(recorder.child.pid ?? 0) !== 'Z');
      const load = startLoad(port);
      await load.more(200);
      await load.stop();
      recorder.child.kill('SIGTERM');
      expect([await recorder.ended, recorder.stderr()]).toEqual([0, expect.anything()]);
      const made = spawnSync(process.execPath, [CLI, 'minimise', recording, '-o', path], {
        encoding: 'utf8',
      });
      expect([made.status, made.stderr]).toEqual([0, expect.anything()]);
    }
  });
}
