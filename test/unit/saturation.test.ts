/** Saturation: the estimator against simulations whose truth is known, and what is said of recordings. */
import fc from 'fast-check';
import { estimate, saturation, saturationText } from '../../src/saturation';
import { type CallSpec, makeRecording, makeRun } from '../support/recordings';

const ROUNDS = process.env.SYSIEVE_SOAK === '1' ? 5000 : 600;

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Simulated {
  /** Means over the rounds, what was estimated and what was true. */
  unseen: [number, number];
  coverage: [number, number];
  nextRun: [number, number];
  /** Share of the rounds whose interval, as it is printed, holds the truth. */
  covered: number;
}

/** `chances`: of each call, that a run makes it. */
function simulate(chances: readonly number[], runs: number, seed: number): Simulated {
  const random = generator(seed);
  type Sums = [estimated: number, truly: number];
  const sum: Record<'unseen' | 'coverage' | 'nextRun', Sums> = {
    unseen: [0, 0],
    coverage: [0, 0],
    nextRun: [0, 0],
  };
  let holding = 0;
  const all = chances.reduce((total, chance) => total + chance, 0);
  for (let round = 0; round < ROUNDS; round += 1) {
    const counts = chances.map((chance) => {
      let count = 0;
      for (let run = 0; run < runs; run += 1) if (random() < chance) count += 1;
      return count;
    });
    const seen = counts.filter((count) => count > 0);
    const { unseen, interval, coverage, nextRun } = estimate(seen, runs);
    if (unseen === null || interval === null || coverage === null || nextRun === null) {
      throw new Error('no estimate');
    }
    const missed = chances.filter((_, call) => counts[call] === 0);
    const missedNext = missed.reduce((total, chance) => total + chance, 0);
    const add = (sums: Sums, estimated: number, truly: number) => {
      sums[0] += estimated / ROUNDS;
      sums[1] += truly / ROUNDS;
    };
    add(sum.unseen, unseen, missed.length);
    add(sum.nextRun, nextRun, missedNext);
    add(sum.coverage, coverage, 1 - missedNext / all);
    const [low, high] = [Math.floor(interval[0]), Math.ceil(interval[1])];
    if (low <= missed.length && missed.length <= high) holding += 1;
  }
  return { ...sum, covered: holding / ROUNDS };
}

const alike = (count: number, chance: number) => Array<number>(count).fill(chance);
const CORE = alike(60, 1);
const UNIFORM = Array.from({ length: 80 }, (_, at) => (at + 0.5) / 80);

describe('where rare calls are alike, the estimate is the truth on average', () => {
  test.each([
    ['80 calls of one half, 3 runs', alike(80, 0.5), 3, 0.4],
    ['80 calls of one half, 5 runs', alike(80, 0.5), 5, 0.3],
    ['80 calls of one fifth, 5 runs', alike(80, 0.2), 5, 1.5],
    ['80 calls of one tenth, 10 runs', alike(80, 0.1), 10, 1.5],
    ['60 sure ones and 20 of three tenths, 3 runs', [...CORE, ...alike(20, 0.3)], 3, 0.8],
    ['60 sure ones and 20 of three tenths, 5 runs', [...CORE, ...alike(20, 0.3)], 5, 0.4],
    ['60 sure ones and 8 of one half, 3 runs', [...CORE, ...alike(8, 0.5)], 3, 0.2],
  ])('%s', (_what, chances, runs, margin) => {
    const { unseen, coverage, nextRun, covered } = simulate(chances, runs, 7);
    expect(Math.abs(unseen[0] - unseen[1])).toBeLessThan(margin);
    expect(Math.abs(coverage[0] - coverage[1])).toBeLessThan(0.015);
    expect(Math.abs(nextRun[0] - nextRun[1])).toBeLessThan(0.02 * chances.length);
    expect(covered).toBeGreaterThan(0.92);
  });
});

describe('where they are not, it is a lower bound', () => {
  test.each([
    ['chances of all sizes, 3 runs', UNIFORM, 3],
    ['chances of all sizes, 10 runs', UNIFORM, 10],
    ['many that are rare, 5 runs', UNIFORM.map((chance) => chance ** 3), 5],
    ['60 sure ones and 8 of one tenth, 5 runs', [...CORE, ...alike(8, 0.1)], 5],
  ])('%s', (_what, chances, runs) => {
    const { unseen, coverage } = simulate(chances, runs, 11);
    expect(unseen[0]).toBeLessThan(unseen[1]);
    expect(Math.abs(coverage[0] - coverage[1])).toBeLessThan(0.02);
  });
});

test('where every run does the same, nothing points to more', () => {
  const { unseen, coverage, nextRun, covered } = simulate(CORE, 3, 1);
  expect([unseen[0], nextRun[0]]).toEqual([0, 0]);
  expect(coverage[0]).toBeCloseTo(1);
  expect(covered).toBeCloseTo(1);
});

test('the numbers of a worked example: 5 runs, 3 calls seen once, 1 twice, 10 always', () => {
  // (4/5) * 3*2 / (2*2) = 1.2
  const found = estimate([1, 1, 1, 2, ...alike(10, 5)], 5);
  expect(found).toMatchObject({ seen: 14, once: 3, twice: 1 });
  expect(found.unseen).toBeCloseTo(1.2);
  // variance: 1.2 + 0.64*3*25/16 + 0.64*9*1*4/64 = 1.2 + 3 + 0.36 = 4.56
  const factor = Math.exp(1.959964 * Math.sqrt(Math.log(1 + 4.56 / 1.44)));
  expect(found.interval?.[0]).toBeCloseTo(1.2 / factor);
  expect(found.interval?.[1]).toBeCloseTo(1.2 * factor);
  // 1 - 3/55 * 12/14
  expect(found.coverage).toBeCloseTo(1 - (3 / 55) * (12 / 14));
  expect(found.nextRun).toBeCloseTo((3 / 5) * (12 / 14));
});

test('whatever the frequencies: the interval holds the estimate, and nothing is negative or no number', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 3, max: 100 })
        .chain((runs) =>
          fc.tuple(
            fc.constant(runs),
            fc.array(fc.integer({ min: 1, max: runs }), { minLength: 1, maxLength: 400 }),
          ),
        ),
      ([runs, frequencies]) => {
        const { unseen, interval, coverage, nextRun } = estimate(frequencies, runs);
        const [low, high] = interval ?? [Number.NaN, Number.NaN];
        expect(unseen).toBeGreaterThanOrEqual(0);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(Math.max(low, unseen ?? 0));
        expect(Number.isFinite(high)).toBe(true);
        expect(coverage).toBeGreaterThanOrEqual(0);
        expect(coverage).toBeLessThanOrEqual(1);
        expect(nextRun).toBeGreaterThanOrEqual(0);
        // The order of calls says nothing.
        expect(estimate([...frequencies].reverse(), runs).unseen).toBe(unseen);
      },
    ),
  );
});

test.each([0, 1, 2])('%i runs: no estimate', (runs) => {
  const nothing = { unseen: null, interval: null, coverage: null, nextRun: null };
  expect(estimate([1, 1], runs)).toMatchObject(nothing);
  expect(estimate([], 5)).toMatchObject(nothing);
});

/** Runs in the order they are given. */
function recorded(...runs: (CallSpec | string)[][]) {
  return makeRecording(
    ...runs.map((calls, at) => ({
      ...makeRun(calls),
      id: `0000000${at}`,
      start: `2026-01-01T00:0${at}:00Z`,
    })),
  );
}

describe('of a recording', () => {
  test('what each run added, by the order they began', () => {
    const recording = recorded(
      ['read'],
      [
        'read',
        'write',
        {
          call: 'socket',
          tuples: [
            [1n, 1n, 0n],
            [2n, 1n, 0n],
          ],
        },
      ],
      ['read'],
    );
    const found = saturation({ ...recording, runs: [...recording.runs].reverse() });
    expect(found.runs.map(({ newCalls, newTuples }) => [newCalls, newTuples])).toEqual([
      [1, 0],
      [2, 2],
      [0, 0],
    ]);
    expect(found.quietRuns).toBe(1);
    expect(found.calls).toMatchObject({ seen: 3, once: 2, twice: 0 });
    expect(found.tuples).toMatchObject({ seen: 2, once: 2, twice: 0 });
    expect(saturationText(found)).toBe(
      '3 runs, nothing new in the last; about 1 call likely unseen (95 %: 0 to 11); ' +
        'about 1 argument tuple likely unseen (95 %: 0 to 11)',
    );
  });

  test('what a profile does not need is not counted: the runtime, and what was only denied', () => {
    const found = saturation(
      recorded([
        'read',
        { call: 'mount', phases: ['runtime'] },
        { call: 'ptrace', denied: { '1': 2 } },
      ]),
    );
    expect(found.calls.seen).toBe(1);
  });

  test('one run: when the last new one came, and that there is no estimate', () => {
    const run = makeRun(['read', 'write']);
    const [first, second] = run.calls;
    const calls = [
      { ...first, firstSeenMs: 100 },
      { ...second, firstSeenMs: 125_000 },
    ] as typeof run.calls;
    const found = saturation(makeRecording({ ...run, durationMs: 600_000, calls }));
    expect(found.runs[0]?.byMinute).toEqual([
      { minute: 0, calls: 1 },
      { minute: 2, calls: 1 },
    ]);
    expect(saturationText(found)).toBe(
      '1 run: 2 calls and 0 argument tuples, the last after 2 min of 10 min; ' +
        'how much is unseen cannot be estimated from one run',
    );
  });

  test.each([
    [0, 0, 'less than 1 ms of less than 1 ms'],
    [0, 1, 'less than 1 ms of 1 ms'],
    [12, 999, '12 ms of 999 ms'],
    [400, 1000, '400 ms of 1 s'],
    [1600, 59_000, '2 s of 59 s'],
  ])('one run: no time is said to be none, %d ms of %d ms', (firstSeenMs, durationMs, text) => {
    const run = makeRun(['read']);
    const calls = run.calls.map((call) => ({ ...call, firstSeenMs }));
    const found = saturation(makeRecording({ ...run, durationMs, calls }));
    expect(saturationText(found)).toContain(`, the last after ${text}; `);
  });

  test.each([
    ['no run', [], 'no run to estimate from'],
    [
      'two',
      [['read'], ['read']],
      '2 runs, nothing new in the last; how much is unseen can be estimated from 3 on',
    ],
    [
      'new in the last',
      [['read'], ['read'], ['read', 'write']],
      '3 runs, something new in the last; nothing points to unseen calls (95 %: 0 to 2)',
    ],
    [
      'quiet ones',
      [
        ['read', 'write'],
        ['read', 'write'],
        ['read', 'write'],
      ],
      '3 runs, nothing new in the last 2; nothing points to unseen calls (95 %: 0 to 1)',
    ],
  ])('%s: in words', (_what, runs, text) => {
    expect(saturationText(saturation(recorded(...runs)))).toBe(text);
  });

  test('runs that are no samples of one thing are told of', () => {
    const recording = recorded(['read'], ['read'], ['write']);
    const [first, second, third] = recording.runs;
    if (first === undefined || second === undefined || third === undefined) throw new Error('runs');
    const complain = { ...third.completeness, complete: false, blindSpots: ['permitted-calls'] };
    const late = { ...first.completeness, complete: false, startsSeen: 0 };
    const found = saturation({
      ...recording,
      runs: [
        { ...first, completeness: late },
        { ...second, target: { ...second.target, image: 'other' } },
        { ...third, completeness: complain },
      ],
    });
    expect(found.runs).toHaveLength(2);
    expect(found.calls.seen).toBe(1);
    expect(found.notes).toEqual([
      expect.stringContaining('1 made in complain mode is left out'),
      expect.stringContaining('different targets'),
      expect.stringContaining('1 of the runs missed something'),
    ]);
  });
});
