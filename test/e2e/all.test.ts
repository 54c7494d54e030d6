/**
 * `record --all`: containers that are gone after some milliseconds, each with calls of its own, so
 * that one call too few or one of a neighbour's shows.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serializeRecording } from '../../src/recording';
import { startDocker, startPodman, type TestEngine, until } from '../support/engines';
import {
  abandonAll,
  importNumbered,
  misattributions,
  range,
  runNumbered,
  startAll,
} from '../support/fleet';
import { imageRef, importImages } from '../support/image-build';
import { privileged, sysieve } from '../support/recorder';

const SOAK = process.env.SYSIEVE_SOAK === '1';
jest.setTimeout(SOAK ? 3_600_000 : 300_000);

privileged.each([
  ['docker', startDocker, { many: 60, repeats: 10, batch: SOAK ? 200 : 20 }] as const,
  [
    'podman without a service',
    (dir: string) => startPodman(dir, 'runc'),
    { many: 12, repeats: 0, batch: 0 },
  ] as const,
])('every container of an image, %s', (_name, start, { many, repeats, batch }) => {
  let engine: TestEngine;
  let files: string;
  let image: string;
  let other: string;
  const at = (name: string) => path.join(files, `${name}.json`);

  beforeAll(async () => {
    files = mkdtempSync(path.join(tmpdir(), 'sysieve-all-'));
    engine = await start(mkdtempSync(path.join(tmpdir(), 'sysieve-engine-')));
    image = await importNumbered(engine, 'wanted');
    other = await importNumbered(engine, 'other');
    await importImages(engine, ['busybox']);
  });

  afterAll(async () => {
    abandonAll();
    await engine?.stop();
    rmSync(files, { recursive: true, force: true });
  });

  const which = () => ['--engine', engine.name, '--image', image];

  it(`${many} short containers, and none of another image`, async () => {
    const recorder = await startAll(engine, at('many'), ...which());
    await Promise.all([
      runNumbered(engine, image, 'many-', range(0, many)),
      runNumbered(engine, other, 'other-', range(5000, many / 4)),
    ]);
    const { recording, said, summary } = await recorder.stop();
    expect(misattributions(recording, 'many-', range(0, many))).toEqual([]);
    expect(recording.runs).toHaveLength(many);
    expect(said).toContain(`${many} container(s)`);
    expect(said).toContain('complete: a start of each was seen');
    expect(summary).toMatchObject({ containers: many, runs: many, complete: true });
    const [run] = recording.runs;
    expect(run?.target).toMatchObject({ kind: 'container', engine: engine.name });
    expect(run?.completeness.deniedSinceMs).toBe(0);
  });

  (repeats > 0 ? it : it.skip)(`${repeats} times ${batch} short containers`, async () => {
    const wrong: string[] = [];
    for (let round = 0; round < repeats; round++) {
      const numbers = range(100 + round * batch, batch);
      const recorder = await startAll(engine, at('round'), ...which());
      await runNumbered(engine, image, `round${round}-`, numbers);
      const { recording } = await recorder.stop();
      wrong.push(...misattributions(recording, `round${round}-`, numbers));
      if (recording.runs.length !== batch) wrong.push(`${recording.runs.length} of ${batch} runs`);
    }
    expect(wrong).toEqual([]);
  });

  it('by label, whatever the image', async () => {
    const how = ['--engine', engine.name, '--label', 'app.tier=front'];
    const recorder = await startAll(engine, at('label'), ...how);
    await Promise.all([
      runNumbered(engine, image, 'front-', range(300, 2), '--label', 'app.tier=front'),
      runNumbered(engine, other, 'front-', range(302, 2), '--label', 'app.tier=front'),
      runNumbered(engine, image, 'back-', range(304, 2), '--label', 'app.tier=back'),
    ]);
    const { recording } = await recorder.stop();
    expect(misattributions(recording, 'front-', range(300, 4))).toEqual([]);
    expect(recording.runs).toHaveLength(4);
  });

  it('replicas that ran before are found, and said to be attached to late', async () => {
    const options = ['-d', '--network=none', ...engine.createArgs];
    const loop = 'while :; do /bin/ls / >/dev/null; sleep 0.05; done';
    const command = [imageRef('busybox'), '/bin/sh', '-c', loop];
    await engine.cli('run', '--name', 'before', ...options, ...command);
    const how = ['--engine', engine.name, '--container', 'before'];
    const recorder = await startAll(engine, at('replicas'), ...how);
    await engine.cli('run', '--name', 'after', ...options, ...command);
    // Its second start: the same id again.
    await engine.cli('restart', '-t', '0', 'after');
    await until('a loop of each', 20_000, async () => {
      const { stdout } = await engine.tryCli('ps', '-q');
      return stdout.trim().split('\n').length === 2;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { recording, said } = await recorder.stop();
    await engine.tryCli('rm', '-f', '-t', '0', 'before', 'after');
    await engine.tryCli('rm', '-f', 'before', 'after');
    const of = (name: string) => recording.runs.filter(({ target }) => target.name === name);
    const [before] = of('before');
    expect(of('before')).toHaveLength(1);
    expect(before?.completeness).toMatchObject({ complete: false, startsSeen: 0 });
    expect(before?.completeness.attachedLate?.targetAgeMs).toBeGreaterThan(0);
    expect(before?.executables).toContain('/bin/ls');
    expect(said).toMatch(/NOT complete: 1 of \d \(before\): no start/);
    const starts = of('after').reduce((sum, run) => sum + run.completeness.startsSeen, 0);
    expect(starts).toBe(2);
    expect(of('after').every((run) => run.completeness.complete)).toBe(true);
  });

  it('five replicas that do different things: the profile of all serves each', async () => {
    const commands = {
      lists: ['/bin/ls', '/'],
      makes: ['/bin/busybox', 'mkdir', '/tmp/made'],
      links: ['/bin/busybox', 'ln', '-s', 'there', '/tmp/here'],
      moves: [
        '/bin/sh',
        '-c',
        'cd /tmp && echo x >a && /bin/busybox chmod 600 a && /bin/busybox mv a b',
      ],
      // Long enough for the shell to be waiting by then, on the recorded run and on the others.
      waits: ['/bin/sh', '-c', '/bin/busybox sleep 1 & wait'],
    };
    const options = ['--rm', '--network=none', ...engine.createArgs];
    const ref = imageRef('busybox');
    const how = ['--engine', engine.name, '--image', ref];
    const recorder = await startAll(engine, at('three'), ...how);
    await Promise.all(
      Object.entries(commands).map(([name, command]) =>
        engine.cli('run', '--name', name, ...options, ref, ...command),
      ),
    );
    const { recording } = await recorder.stop();
    expect(recording.runs.map(({ target }) => target.name).sort()).toEqual(
      Object.keys(commands).sort(),
    );
    const served = async (profile: string, names: readonly string[]): Promise<string[]> => {
      const under = ['--security-opt', `seccomp=${profile}`];
      const codes = await Promise.all(
        names.map(async (name) => {
          const command = commands[name as keyof typeof commands];
          const ended = await engine.tryCli('run', ...options, ...under, ref, ...command);
          return ended.code;
        }),
      );
      return names.filter((_, at) => codes[at] === 0);
    };
    const minimised = (name: string): string => {
      const args = ['minimise', at(name), '-o', at(`${name}-profile`), '--runtime', 'all'];
      const { status, stderr } = sysieve(args);
      if (status !== 0) throw new Error(stderr);
      expect(JSON.parse(readFileSync(at(`${name}-profile`), 'utf8'))).toHaveProperty('syscalls');
      return at(`${name}-profile`);
    };
    const names = Object.keys(commands);
    expect(await served(minimised('three'), names)).toEqual(names);
    // One replica alone would not have been enough.
    const one = recording.runs.filter(({ target }) => target.name === 'lists');
    writeFileSync(at('one'), serializeRecording({ version: 1, runs: one }));
    // The shells are left out: where ash is denied dup2, it tries again and says so for ever, and where
    // it is denied rt_sigsuspend, it turns in a loop instead of waiting.
    const end = names.filter((name) => name !== 'moves' && name !== 'waits');
    expect(await served(minimised('one'), end)).toEqual(['lists']);
  });
});

describe('what --all refuses', () => {
  it.each<[string, string[], string]>([
    ['no way to tell which', [], '--all needs one way to tell'],
    ['two ways', ['--image', 'a', '--label', 'b'], '--all needs one way to tell'],
    ['a process', ['--image', 'a', '--pid', '1'], '--all and --pid exclude each other'],
    ['another tracer', ['--image', 'a', '--tracer', 'ptrace'], '--tracer ptrace exclude'],
    ['a label that events hide', ['--label', 'name=x'], 'do not tell of a label "name"'],
  ])('%s', (_what, args, says) => {
    const { status, stderr } = sysieve(['record', '--all', ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain(says);
  });

  it('an image without --all', () => {
    const { status, stderr } = sysieve(['record', '--image', 'a', '--container', 'b']);
    expect(status).toBe(2);
    expect(stderr).toContain('--image has a meaning with --all only');
  });
});
