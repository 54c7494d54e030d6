/**
 * What sysieve records of a fixture program is what the program says of itself: nothing missing,
 * nothing extra, equal counts, equal denials, the right executables. With every tracer; what one of
 * them cannot see is in its row of support/tracers.ts and in what its recordings declare.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildFixtures,
  differences,
  type Expectation,
  FIXTURES,
  ORACLE,
  recordFailing,
  recordFixture,
  type Seen,
  startNeighbour,
  testOfFixture,
  traceFixture,
} from '../support/fixtures';
import { hasOneProfile, profileOf, REPLAYED, store, stored } from '../support/replay';
import { declared, deniedSince, testedTracers, through, told } from '../support/tracers';

const LOOPS = process.env.SYSIEVE_SOAK === '1' ? 5_000_000 : 2_000_000;

const WRITE = process.env.SYSIEVE_GOLDENS === 'write';
const SOURCES = join(__dirname, '..', '..', 'fixtures', 'programs');
const NAMES = FIXTURES.map(({ name }) => name);

const privileged = process.getuid?.() === 0;
if (!privileged) {
  console.warn('skipped: recordings of fixtures need root (tracing, namespaces, mounts)');
}
const whenPrivileged = privileged ? describe : describe.skip;

beforeAll(buildFixtures);

describe('the table', () => {
  it('has a row for every fixture source, at least 28 of them', () => {
    const sources = readdirSync(SOURCES)
      .filter((file) => file.endsWith('.c'))
      .map((file) => file.replace(/(\.m32|\.libc)?\.c$/, ''))
      .filter((name) => name !== ORACLE);
    expect([...NAMES].sort()).toEqual(sources.sort());
    expect(sources.length).toBeGreaterThanOrEqual(28);
  });
});

describe('differences()', () => {
  const expectation: Expectation = {
    program: 'made-up',
    exact: true,
    calls: [
      { abi: 'x86_64', number: 39, count: 5, denied: 2, errnos: { 1: 2 }, executables: ['/a'] },
    ],
  };
  const same: Seen = {
    abi: 'x86_64',
    number: 39,
    count: 5,
    denied: { count: 2, errnos: { 1: 2 } },
    executables: ['/a'],
  };

  it('finds none between equals', () => {
    expect(differences(expectation, [same])).toEqual([]);
  });

  it.each<[string, Seen[], string]>([
    ['a missing call', [], 'x86_64 39: missing, made 5 times'],
    ['another ABI', [same, { ...same, abi: 'i386' }], 'i386 39: never made, seen 5 times'],
    ['an extra call', [same, { ...same, number: 40 }], 'x86_64 40: never made, seen 5 times'],
    ['a call twice', [same, same], 'x86_64 39: seen twice'],
    ['a lower count', [{ ...same, count: 4 }], 'x86_64 39: made 5, seen 4'],
    ['a higher count', [{ ...same, count: 6 }], 'x86_64 39: made 5, seen 6'],
    [
      'another errno',
      [{ ...same, denied: { count: 2, errnos: { 13: 2 } } }],
      'x86_64 39: errnos [1×2], seen [13×2]',
    ],
    ['another executable', [{ ...same, executables: ['/b'] }], 'x86_64 39: by [/a], seen [/b]'],
  ])('names %s', (_what, seen, difference) => {
    expect(differences(expectation, seen)).toEqual([difference]);
  });

  it('takes counts as least ones where a program is not exact', () => {
    const least = {
      ...expectation,
      exact: false,
      anyOf: [{ abi: 'x86_64' as const, numbers: [56, 435], count: 1 }],
    };
    const clone = { abi: 'x86_64', number: 435, count: 1 };
    expect(differences(least, [{ ...same, count: 9 }, clone])).toEqual([]);
    expect(differences(least, [{ ...same, count: 4 }])).toEqual([
      'x86_64 56 or 435: 0 of at least 1',
      'x86_64 39: 4 of at least 5',
    ]);
  });
});

whenPrivileged('fixtures under ptrace: what they say of themselves is so', () => {
  for (const fixture of FIXTURES) {
    testOfFixture(fixture, fixture.name, async () => {
      const { expectation, seen } = await traceFixture(fixture);
      expect(expectation.program).toBe(fixture.name);
      expect(differences(expectation, seen)).toEqual([]);
    });
  }
});

for (const tracer of testedTracers()) {
  const { name, how, slow } = tracer;

  whenPrivileged(`recordings of fixtures by ${name}`, () => {
    for (const fixture of FIXTURES) {
      testOfFixture(fixture, fixture.name, async () => {
        const args = slow ? (fixture.slowArgs ?? fixture.args) : fixture.args;
        const adjustment = tracer.adjustments[fixture.name];
        if (adjustment?.fails !== undefined) {
          const { stderr, run } = await recordFailing(fixture, how);
          expect(stderr).toMatch(adjustment.fails);
          expect(run.completeness.blindSpots).toEqual(declared(tracer, fixture));
          return;
        }
        const { expectation, seen, run } = await recordFixture(fixture, how, args);
        expect(expectation.program).toBe(fixture.name);
        const known = told(tracer, seen);
        expect(differences(through(tracer, fixture, expectation), known)).toEqual([]);
        expect(run.completeness).toMatchObject({
          complete: true,
          startsSeen: 1,
          attachedLate: null,
          blindSpots: declared(tracer, fixture),
        });
        expect(run.tracer).toBe(tracer.choice);
        expect(deniedSince(tracer, run)).toBe(true);
        if (WRITE && name === 'ebpf' && REPLAYED.includes(fixture.name)) {
          store(fixture.name, { expectation, seen, run });
        }
        if (hasOneProfile(fixture.name)) {
          // Taken for calls that failed, those that were only ever denied are in a profile.
          const same =
            tracer.denied !== 'as-failed' || expectation.calls.every((c) => c.denied < c.count);
          const profile = profileOf({ version: 1, runs: [run] });
          expect(profile === stored(fixture.name, 'profile')).toBe(same);
        }
        if (adjustment !== undefined && adjustment.byChance === undefined) {
          expect(differences(expectation, seen)).not.toEqual([]);
        }
      });
    }
  });
}

whenPrivileged('under load', () => {
  it(`two loops of ${LOOPS} calls each, among 200 processes a second of their own`, async () => {
    const fixture = { name: 'busy-churn', args: [`${LOOPS}`] };
    const { expectation, seen } = await recordFixture(fixture);
    expect(differences(expectation, seen)).toEqual([]);
    const loops = seen.find(({ abi, number }) => abi === 'x86_64' && number === 110);
    expect(loops?.count).toBe(2 * LOOPS);
  });

  it('leaves out what neighbours call at the same time', async () => {
    const neighbours = [startNeighbour('churn', ['120']), startNeighbour('busy', ['1000000000'])];
    try {
      const { expectation, seen } = await recordFixture({ name: 'busy', args: [`${LOOPS}`] });
      expect(differences(expectation, seen)).toEqual([]);
    } finally {
      await Promise.all(neighbours.map((neighbour) => neighbour.stop()));
    }
  });
});
