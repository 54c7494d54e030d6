/** The arguments of denied calls: kept apart from those that passed, with the same limits. */
import type { Call } from '../../src/recording';
import { buildFixtures, recordFixture } from '../support/fixtures';
import { privileged } from '../support/recorder';
import { testedTracers } from '../support/tracers';

const hex = (...values: number[]): string[] => values.map((value) => `0x${value.toString(16)}`);
const AF_UNIX = 1;
const AF_INET = 2;
const CLONE_NEWUSER = 0x1000_0000;
/** Distinct tuples kept of one call: SYSIEVE_TUPLES. */
const KEPT = 128;

const counts = (args: Call['args'] | undefined): Record<string, number> =>
  Object.fromEntries((args?.tuples ?? []).map(({ values, count }) => [values.join(), count]));

privileged('arguments of denied calls', () => {
  beforeAll(buildFixtures);

  const tracers = testedTracers().filter(({ denied }) => denied === 'known');
  it.each(tracers.map((row) => [row.name, row] as const))('by %s', async (_name, { how }) => {
    const { run } = await recordFixture({ name: 'denied-arguments' }, how);
    const of = (name: string): Call => {
      const call = run.calls.find((c) => c.abi === 'x86_64' && c.name === name);
      if (call === undefined) throw new Error(`no ${name}`);
      return call;
    };
    const socket = of('socket');
    expect(counts(socket.args)).toEqual({ [hex(AF_UNIX, 1, 0).join()]: 2 });
    expect(socket.args?.overflow).toBe(0);
    const refused = socket.denied.args;
    expect(refused).toMatchObject({ indexes: [0, 1, 2], overflow: 142 - KEPT, unreadable: 0 });
    expect(refused?.tuples).toHaveLength(KEPT);
    expect(counts(refused)).toMatchObject({
      [hex(AF_INET, 1, 6).join()]: 3,
      [hex(AF_INET, 2, 17).join()]: 1,
    });
    expect(refused?.tuples[0]).toMatchObject({ phases: ['steady'], executables: [0] });
    expect(of('unshare').denied.args).toMatchObject({
      tuples: [{ values: hex(CLONE_NEWUSER), count: 2 }],
    });
    expect(of('unshare').args?.tuples).toEqual([]);
    expect(of('clone3').denied.args).toMatchObject({
      tuples: [{ values: hex(CLONE_NEWUSER), count: 4 }],
      unreadable: 1,
    });
    expect(of('seccomp').denied).toEqual({ count: 0, errnos: {} });
    expect(run.completeness.argumentOverflow).toBe(0);
  });

  it('of a call that killed its thread alone, by typed programs', async () => {
    const { run } = await recordFixture({ name: 'denied-kill-thread' });
    const call = run.calls.find(({ name }) => name === 'personality');
    expect(call?.denied).toMatchObject({
      count: 3,
      args: { tuples: [{ values: ['0x0'], count: 3 }] },
    });
  });
});
