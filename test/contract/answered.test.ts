/**
 * Calls that something in the target answers in the kernel's place, or makes others of. A profile of a
 * recording without them would refuse them before anybody is asked: where they cannot be seen, the
 * recording is not complete and says why.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../src/minimise/completeness';
import { parseRecording, type Run } from '../../src/recording';
import { buildFixtures, recordFixture } from '../support/fixtures';
import { privileged, scratch, sysieve } from '../support/recorder';

const space = scratch();
afterAll(() => space.remove());
const file = (name: string): string => join(space.dir, name);
const build = (name: string): void =>
  void execFileSync('cc', ['-O1', '-o', file(name), join(__dirname, `../support/${name}.c`)]);

function record(how: string[], ...command: string[]): Run {
  const output = file('run.json');
  const args = ['record', '--tracer', 'ebpf', ...how, '-o', output, '--', ...command];
  const { status, stderr } = sysieve(args);
  expect([status, stderr]).toEqual([0, expect.anything()]);
  const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
  rmSync(output);
  return run as Run;
}

privileged.each(['typed', 'raw'])('by %s programs', (programs) => {
  beforeAll(() => {
    buildFixtures();
    build('waits');
  });

  it('a listener made while exits are not watched makes a recording incomplete', async () => {
    const { run } = await recordFixture({ name: 'denied-notify' }, ['--programs', programs]);
    expect(run.completeness.blindSpots).toContain('listener-unwatched');
    expect(run.completeness.complete).toBe(false);
    expect(missing(run)).toEqual([expect.stringContaining('record with --denied')]);
  });

  it('watched from the start, what it answers is recorded', async () => {
    const how = ['--programs', programs, '--denied'];
    const { run } = await recordFixture({ name: 'denied-notify' }, how);
    expect(run.completeness.blindSpots).not.toContain('listener-unwatched');
    expect(run.completeness.complete).toBe(true);
  });

  it.each([
    ['restarted', 2],
    ['interrupted', 1],
  ])('a wait for a listener that a signal breaks off is no denial: %s', (does, count) => {
    const run = record(['--programs', programs, '--denied'], file('waits'), does);
    const [call] = run.calls.filter(({ name }) => name === 'getppid');
    expect(call).toMatchObject({ count, denied: { count: 0 } });
    expect(run.completeness.complete).toBe(true);
  });

  it('asking the kernel whether it has listeners makes none', () => {
    // As libseccomp does: SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, no filter.
    const asks = 'exit(syscall(317, 1, 8, 0) == -1 && $! == 14 ? 0 : 1)';
    const run = record(['--programs', programs], 'perl', '-e', asks);
    expect(run.completeness).toMatchObject({ complete: true, blindSpots: [] });
  });

  it('a filter without a listener hides nothing that a profile has to permit', async () => {
    const { run } = await recordFixture({ name: 'denied-trap' }, ['--programs', programs]);
    expect(run.completeness.complete).toBe(true);
  });
});

privileged('a tracer in the target, asked by SECCOMP_RET_TRACE', () => {
  beforeAll(() => build('rewriter'));

  const countOf = (run: Run, name: string): number =>
    run.calls.filter((call) => call.name === name).reduce((sum, { count }) => sum + count, 0);

  it.each(['rewrite', 'skip'])('%s: the call that was made is not seen: not complete', (does) => {
    const run = record(['--denied'], file('rewriter'), does);
    expect(countOf(run, 'mkdir')).toBe(0);
    expect(run.completeness.blindSpots).toContain('calls-rewritten');
    expect(run.completeness.complete).toBe(false);
    expect(missing(run)).toEqual([expect.stringContaining('a tracer of its own')]);
  });

  it('watch: it is seen as it was made: complete', () => {
    const run = record(['--denied'], file('rewriter'), 'watch');
    expect(countOf(run, 'mkdir')).toBe(5);
    expect(run.completeness.blindSpots).not.toContain('calls-rewritten');
    expect(run.completeness.complete).toBe(true);
  });
});
