/** Recording by the library: targets, ends, events, phases. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordEvent, type Recorder, type RecordOptions, record } from '../../src';
import { hierarchies } from '../support/hierarchies';
import { consumer, examplesIn } from '../support/package';
import { eventually, privileged, ROOT, scratch } from '../support/recorder';
import { EXPECTED_TRACERS } from '../support/tracers';

/** Of the last event, what a recording ended with. */
type Ended = Extract<RecordEvent, { kind: 'ended' }>;

async function eventsOf(recorder: Recorder): Promise<RecordEvent[]> {
  const events: RecordEvent[] = [];
  for await (const event of recorder) events.push(event);
  return events;
}

const kinds = (events: readonly RecordEvent[]) => [...new Set(events.map(({ kind }) => kind))];
const ended = (events: readonly RecordEvent[]) => events.at(-1) as Ended;
const names = (events: readonly RecordEvent[]) =>
  ended(events).recording.runs[0]?.calls.map(({ name }) => name);

privileged('record', () => {
  const space = scratch();
  afterAll(() => space.remove());

  it.each(EXPECTED_TRACERS)('a command with %s', async (tracer) => {
    let printed = '';
    const recorder = record({
      target: {
        command: ['sh', '-c', 'pwd; echo $WORD; exit 7'],
        cwd: space.dir,
        env: { PATH: process.env.PATH, WORD: 'said' },
        output: (chunk) => {
          printed += Buffer.from(chunk).toString();
        },
      },
      tracer,
      phase: 'startup',
    });
    const events = await eventsOf(recorder);
    // The first look may come before the start.
    expect(kinds(events).sort()).toEqual(['armed', 'ended', 'phase', 'progress', 'started']);
    expect(events[0]).toMatchObject({ tracer, target: 'sh -c pwd; echo $WORD; exit 7' });
    expect(ended(events)).toMatchObject({ reason: 'target', exit: { code: 7, signal: null } });
    expect(await recorder.exit).toEqual({ code: 7, signal: null });
    const recording = await recorder;
    expect(recording).toBe(ended(events).recording);
    const [run] = recording.runs;
    expect(run).toMatchObject({ tracer, marks: [{ phase: 'startup' }] });
    expect(run?.completeness.complete).toBe(true);
    expect(run?.calls.find(({ name }) => name === 'getcwd')?.phases).toEqual(['startup']);
    expect(printed).toBe(`${space.dir}\nsaid\n`);
  });

  it('a process, until it is told to stop', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const recorder = record({ target: { pid: child.pid as number } });
    const events: RecordEvent[] = [];
    for await (const event of recorder) {
      events.push(event);
      if (event.kind === 'progress') recorder.stop();
    }
    expect(ended(events)).toMatchObject({ reason: 'stopped', exit: null });
    const { target, completeness } = ended(events).recording.runs[0] as never as {
      target: object;
      completeness: object;
    };
    expect(target).toMatchObject({ kind: 'pid', id: String(child.pid) });
    expect(completeness).toMatchObject({ complete: false, startsSeen: 0 });
    expect(child.exitCode).toBeNull();
    expect(recorder.kill()).toBe(false);
    child.kill();
  });

  it('a cgroup, for a time', async () => {
    const root = hierarchies()[0] as string;
    const cgroup = join(root, `sysieve-api-${process.pid}`);
    mkdirSync(cgroup);
    try {
      const recorder = record({ target: { cgroup }, durationMs: 300 });
      const events = await eventsOf(recorder);
      expect(ended(events)).toMatchObject({ reason: 'duration', exit: null });
      expect(ended(events).recording.runs[0]?.durationMs).toBeGreaterThanOrEqual(250);
    } finally {
      rmdirSync(cgroup);
    }
  });

  it('until nothing new is seen', async () => {
    const command = ['perl', '-e', 'getppid, select(undef, undef, undef, 0.05) while 1'];
    const recorder = record({ target: { command }, untilStable: { quietMs: 300, minMs: 500 } });
    const events = await eventsOf(recorder);
    expect(recorder.kill('SIGKILL')).toBe(true);
    expect(ended(events).reason).toBe('stable');
    expect(names(events)).toContain('getppid');
    const note = 'the command lives on, no longer recorded';
    expect(events).toContainEqual({ kind: 'note', text: note });
  });

  it('ends normally when the signal aborts, and the command goes on', async () => {
    const there = join(space.dir, 'there');
    const go = join(space.dir, 'go');
    const script = `select(undef, undef, undef, 0.02) until -e '${go}'; mkdir '${there}';`;
    const end = new AbortController();
    const recorder = record({ target: { command: ['perl', '-e', script] }, signal: end.signal });
    const events: RecordEvent[] = [];
    for await (const event of recorder) {
      events.push(event);
      if (event.kind === 'started') end.abort();
    }
    expect(ended(events)).toMatchObject({ reason: 'aborted', exit: null });
    expect(await recorder.exit).toBeNull();
    expect(() => recorder.mark('shutdown')).toThrow('the recording has ended');
    writeFileSync(go, '');
    await eventually('the command goes on', () => {
      try {
        rmdirSync(there);
        return true;
      } catch {
        return false;
      }
    });
    expect(names(events)).not.toContain('mkdir');
    expect((await recorder).runs).toHaveLength(1);
  });

  it('tells those who come late of the end, and those who are slow of the newest', async () => {
    const recorder = record({ target: { command: ['sleep', '0.6'] } });
    const slow: RecordEvent[] = [];
    for await (const event of recorder) {
      slow.push(event);
      if (event.kind === 'armed') await sleep(1500);
    }
    expect(slow.filter(({ kind }) => kind === 'progress').length).toBeLessThanOrEqual(2);
    const newest = slow.findLast((event) => event.kind === 'progress')?.newest;
    expect(newest).toMatchObject({ abi: 'x86_64', executable: expect.stringMatching(/sleep$/) });
    expect(newest?.name).toEqual(expect.any(String));
    expect(await eventsOf(recorder)).toEqual([ended(slow)]);
  });

  it('divides the calls at its marks', async () => {
    const at = (name: string) => join(space.dir, name);
    const gate = `select(undef, undef, undef, 0.02) until -e '${at('next')}'`;
    const script = `mkdir '${at('made')}'; ${gate}; rmdir '${at('made')}';`;
    const recorder = record({ target: { command: ['perl', '-e', script] }, phase: 'startup' });
    const phases: string[] = [];
    for await (const event of recorder) {
      if (event.kind === 'phase') phases.push(event.phase);
      if (event.kind !== 'progress' || phases.length > 1) continue;
      await eventually('it is made', () => existsSync(at('made')));
      recorder.mark('shutdown');
      writeFileSync(at('next'), '');
    }
    expect(phases).toEqual(['startup', 'shutdown']);
    const { runs } = await recorder;
    const of = (name: string) => runs[0]?.calls.find((call) => call.name === name)?.phases;
    expect([of('mkdir'), of('rmdir')]).toEqual([['startup'], ['shutdown']]);
  });

  it.each([
    ['process-not-found', 'input', { pid: 4194305 }],
    ['command-not-found', 'usage', { command: ['/no/such/program'] }],
    ['cgroup-not-found', 'input', { cgroup: '/tmp' }],
  ] as const)('rejects with %s', async (code, kind, target) => {
    const recorder = record({ target } as RecordOptions);
    await expect(recorder).rejects.toMatchObject({ code, kind });
    await expect(eventsOf(recorder)).rejects.toMatchObject({ code });
  });

  it('runs the examples of the documentation', () => {
    const installed = consumer(join(space.dir, 'consumer'), { addon: true });
    const text = readFileSync(join(ROOT, 'docs', 'api', 'README.md'), 'utf8');
    const said = examplesIn(text)
      .filter(({ code, run }) => run && code.includes('record('))
      .map(({ code }, index) => installed.typescript(`run-${index}`, code));
    expect(said.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(said[0]?.stdout).toContain('"defaultAction": "SCMP_ACT_ERRNO"');
    expect(said[1]?.stderr).toMatch(/^recording sleep 60 with ebpf\n/);
    expect(said[1]?.stderr).toMatch(/phase: 'shutdown'.*signal: 'SIGTERM'/s);
    expect(said[2]?.stderr).toMatch(/^process-not-found input Look it up again/);
  });
});
