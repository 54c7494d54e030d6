/**
 * Calls that something in the target answers in the kernel's place, or makes others of. A profile of a
 * recording without them would refuse them before anybody is asked: where they cannot be seen, the
 * recording is not complete and says why.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
    const output = file(`${does}-${programs}.json`);
    const how = ['--tracer', 'ebpf', '--programs', programs, '--denied', '-o', output];
    const { status, stderr } = sysieve(['record', ...how, '--', file('waits'), does]);
    expect([status, stderr]).toEqual([0, expect.anything()]);
    const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
    const [call] = run?.calls.filter(({ name }) => name === 'getppid') ?? [];
    expect(call).toMatchObject({ count, denied: { count: 0 } });
    expect(run?.completeness.complete).toBe(true);
  });

  it('asking the kernel whether it has listeners makes none', () => {
    const output = file(`asks-${programs}.json`);
    // As libseccomp does: SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, no filter.
    const asks = 'exit(syscall(317, 1, 8, 0) == -1 && $! == 14 ? 0 : 1)';
    const how = ['--tracer', 'ebpf', '--programs', programs, '-o', output];
    const { status, stderr } = sysieve(['record', ...how, '--', 'perl', '-e', asks]);
    expect([status, stderr]).toEqual([0, expect.anything()]);
    const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
    expect(run?.completeness).toMatchObject({ complete: true, blindSpots: [] });
  });

  it('a filter without a listener hides nothing that a profile has to permit', async () => {
    const { run } = await recordFixture({ name: 'denied-trap' }, ['--programs', programs]);
    expect(run.completeness.complete).toBe(true);
  });
});

privileged('a tracer in the target, asked by SECCOMP_RET_TRACE', () => {
  beforeAll(() => build('rewriter'));

  const record = (does: string): Run => {
    const output = file(`${does}.json`);
    const how = ['--tracer', 'ebpf', '--denied', '-o', output];
    const { status, stderr } = sysieve(['record', ...how, '--', file('rewriter'), does]);
    expect([status, stderr]).toEqual([0, expect.anything()]);
    const [run] = parseRecording(readFileSync(output, 'utf8'), output).runs;
    return run as Run;
  };
  const countOf = (run: Run, name: string): number =>
    run.calls.filter((call) => call.name === name).reduce((sum, { count }) => sum + count, 0);

  it.each(['rewrite', 'skip'])('%s: the call that was made is not seen: not complete', (does) => {
    const run = record(does);
    expect(countOf(run, 'mkdir')).toBe(0);
    expect(run.completeness.blindSpots).toContain('calls-rewritten');
    expect(run.completeness.complete).toBe(false);
    expect(missing(run)).toEqual([expect.stringContaining('a tracer of its own')]);
  });

  it('watch: it is seen as it was made: complete', () => {
    const run = record('watch');
    expect(countOf(run, 'mkdir')).toBe(5);
    expect(run.completeness.blindSpots).not.toContain('calls-rewritten');
    expect(run.completeness.complete).toBe(true);
  });
});
