/** The committed runtime baselines, held against the runtimes that are installed here. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Bench } from '../../scripts/baseline/bench';
import { CONDITIONS, type Condition, processOf } from '../../scripts/baseline/bundle';
import { fileOf, readBaseline } from '../../scripts/baseline/file';
import { callsOf, captured, measure } from '../../scripts/baseline/measure';
import { minimised, profileOf, unionOf } from '../../scripts/baseline/prove';
import { installedRuntimes, type Runtime } from '../../scripts/baseline/runtimes';
import { measureSysieve } from '../../scripts/baseline/sysieve';
import { packageVersion } from '../../src/capture/capture';
import type { Baseline } from '../../src/minimise';
import { privileged } from '../support/recorder';

const DIRECTORY = join(__dirname, '..', '..', 'profiles', 'baselines');
const STARTS = 10;
const MINUTES = 60_000;

/**
 * What Go's scheduler and allocator call when they have to, not at every start: ten starts may show
 * fewer of these than the fifty committed, or one that fifty showed under another condition only.
 */
const OF_GO = [
  ...['futex', 'getpid', 'madvise', 'mmap', 'munmap', 'nanosleep'],
  ...['rt_sigprocmask', 'rt_sigreturn', 'sched_yield', 'tgkill'],
];

/** Each of the four properties both ways; all sixteen combinations with SYSIEVE_SOAK=1. */
const chosen = CONDITIONS.filter(
  ({ start, tty, user, noNewPrivileges: nnp }) =>
    process.env.SYSIEVE_SOAK === '1' ||
    (start === 'create' ? tty === user && tty === nnp : tty !== user && tty === nnp),
);

const describeCondition = (c: Condition): string =>
  [c.start, c.tty && 'tty', c.user ? 'user' : 'root', c.noNewPrivileges && 'no_new_privs']
    .filter(Boolean)
    .join(' ');

const namesOf = (baseline: Baseline, condition: Condition): string[] =>
  baseline.conditions
    .filter((c) =>
      (Object.keys(condition) as (keyof Condition)[]).every((k) => c[k] === condition[k]),
    )
    .flatMap((c) => c.calls.map(({ abi, name }) => (abi === 'x86_64' ? name : `${abi} ${name}`)));

const committed = (): Promise<Baseline[]> =>
  Promise.all(
    readdirSync(DIRECTORY)
      .filter((file) => file.endsWith('.json'))
      .map((file) => readBaseline(join(DIRECTORY, file))),
  );

async function installed(name: Runtime['name']): Promise<Runtime> {
  const runtime = (await installedRuntimes()).find((r) => r.name === name);
  if (runtime === undefined) throw new Error(`${name} is not installed: run scripts/setup test`);
  return runtime;
}

privileged('runtime baselines', () => {
  test('of sysieve: its launcher makes one call under the filter', async () => {
    const measured = await measureSysieve(STARTS);
    expect(measured.conditions.map((c) => c.calls)).toEqual([[{ abi: 'x86_64', name: 'execve' }]]);
    const kept = await readBaseline(fileOf(DIRECTORY, 'sysieve', packageVersion()));
    expect(kept.conditions.map((c) => c.calls)).toEqual(measured.conditions.map((c) => c.calls));
  });

  describe.each(['runc', 'crun'] as const)('%s', (name) => {
    let bench: Bench;
    let own: Baseline;

    beforeAll(async () => {
      const runtime = await installed(name);
      own = await readBaseline(fileOf(DIRECTORY, name, runtime.version));
      bench = await Bench.open(runtime);
    }, MINUTES);
    afterAll(() => bench.close(), MINUTES);
    afterEach(() => bench.remove());

    test('has every condition committed, from at least 50 starts each', () => {
      expect(own.conditions).toHaveLength(CONDITIONS.length);
      for (const condition of CONDITIONS) expect(namesOf(own, condition)).toContain('execve');
      expect(Math.min(...own.conditions.map(({ starts }) => starts))).toBeGreaterThanOrEqual(50);
    });

    test.each(chosen.map((c) => [describeCondition(c), c] as const))(
      `${name} %s: measured again, it is what is committed`,
      async (_, condition) => {
        const measured = (await measure(bench, condition, STARTS)).map(({ name: call }) => call);
        const kept = namesOf(own, condition);
        const mayVary = (call: string): boolean => name === 'runc' && OF_GO.includes(call);
        expect(measured.filter((call) => !mayVary(call))).toEqual(
          kept.filter((call) => !mayVary(call)),
        );
        // Also what varies was measured, if not under this very condition.
        expect(unionOf([own])).toEqual(expect.arrayContaining(measured));
      },
      5 * MINUTES,
    );

    const users = [false, true].flatMap((user) => [false, true].map((nnp) => ({ user, nnp })));
    test.each(users)(
      `starts under a profile of the baselines and the program's own calls, argument rules and all: user $user, no_new_privs $nnp`,
      async ({ user, nnp }) => {
        const program = `true`;
        const condition = { start: 'create', tty: false, user, noNewPrivileges: nnp } as const;
        const path = bench.bundle.copyProgram('/usr/bin/busybox', program);
        const process = processOf({ condition, args: [path], full: false, ambient: false });

        bench.bundle.write(process);
        const run = await captured(bench, async () => {
          const { code, output } = await bench.run();
          expect([code, output]).toEqual([0, '']);
        });
        const calls = callsOf(run, 'steady', 1, [path]).map((call) => call.name);

        for (const args of ['safe', 'strict'] as const) {
          bench.bundle.write(process, minimised([run], await committed(), args));
          await bench.remove();
          expect([args, await bench.run()]).toEqual([args, { code: 0, output: '' }]);
        }

        // Without them it does not even get to the program.
        await bench.remove();
        bench.bundle.write(process, profileOf(calls.filter((call) => call !== 'execve')));
        expect((await bench.run()).code).not.toBe(0);
      },
      2 * MINUTES,
    );
  });
});
