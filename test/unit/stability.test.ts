/** When `record --until-stable` ends. */
import { Stability } from '../../src/capture/stability';

type Seen = [elapsedMs: number, distinct: number, tuples: number, starts: number];

function progress([elapsedMs, distinct, tuples, starts]: Seen) {
  return { elapsedMs, distinct, tuples, starts };
}

/** At which of the moments it may end; -1: at none. */
function ends(rule: { minMs?: number; needsStart?: boolean }, moments: Seen[]): number {
  const stability = new Stability({ quietMs: 100, minMs: 0, needsStart: true, ...rule });
  return moments.findIndex((moment) => stability.update(progress(moment)));
}

test.each([
  [
    'a quiet time after the last call',
    {},
    [
      [0, 5, 0, 1],
      [99, 5, 0, 1],
      [100, 5, 0, 1],
    ],
    2,
  ],
  [
    'a new call begins it again',
    {},
    [
      [0, 5, 0, 1],
      [90, 6, 0, 1],
      [150, 6, 0, 1],
      [190, 6, 0, 1],
    ],
    3,
  ],
  [
    'a new tuple does',
    {},
    [
      [0, 5, 0, 1],
      [90, 5, 1, 1],
      [150, 5, 1, 1],
      [190, 5, 1, 1],
    ],
    3,
  ],
  [
    'not before a start',
    {},
    [
      [0, 5, 0, 0],
      [500, 5, 0, 0],
      [900, 5, 0, 1],
    ],
    2,
  ],
  [
    'unless it need not be seen',
    { needsStart: false },
    [
      [0, 5, 0, 0],
      [100, 5, 0, 0],
    ],
    1,
  ],
  [
    'not before its least time',
    { minMs: 1000 },
    [
      [0, 5, 0, 1],
      [999, 5, 0, 1],
      [1000, 5, 0, 1],
    ],
    2,
  ],
  [
    'not before anything ran',
    { needsStart: false },
    [
      [0, 0, 0, 0],
      [500, 0, 0, 0],
    ],
    -1,
  ],
] as [string, object, Seen[], number][])('%s', (_what, rule, moments, at) => {
  expect(ends(rule, moments)).toBe(at);
});
