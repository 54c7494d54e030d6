/**
 * How many kinds were not seen, from how many runs each one that was seen was in: Chao2 in its
 * bias-corrected form with the log-normal interval of Chao 1987, and sample coverage by Chao & Jost
 * 2012. docs/SATURATION.md has the formulas, their sources and their limits.
 */

export interface Estimate {
  /** Seen in at least one run. */
  readonly seen: number;
  /** Seen in exactly one run, and in exactly two: what the estimates are made of. */
  readonly once: number;
  readonly twice: number;
  /** How many are unseen, at least; null: it cannot be estimated. */
  readonly unseen: number | null;
  /** The 95 % interval of that; null as above. */
  readonly interval: readonly [low: number, high: number] | null;
  /** Of what one more run does, the share that has been seen (0 to 1); null as above. */
  readonly coverage: number | null;
  /** How many new ones one more run would show; null as above. */
  readonly nextRun: number | null;
}

/** The 97.5 % quantile of the normal distribution. */
const Z = 1.959964;

/** Chao 1987: the logarithm of what is unseen is taken for normal, so that the bound is never below 0. */
function logNormal(unseen: number, variance: number): [number, number] {
  const factor = Math.exp(Z * Math.sqrt(Math.log(1 + variance / unseen ** 2)));
  return [unseen / factor, unseen * factor];
}

/**
 * Where the estimate is zero, and has no logarithm: each of those seen in i runs is taken for one that
 * is missed with probability exp(-i), as SpadeR and EstimateS do.
 */
function aroundZero(frequencies: readonly number[]): [number, number] {
  const seen = frequencies.length;
  const incidences = frequencies.reduce((sum, i) => sum + i, 0);
  const missed = frequencies.reduce((sum, i) => sum + Math.exp(-i), 0) / seen;
  const variance =
    frequencies.reduce((sum, i) => sum + Math.exp(-i) - Math.exp(-2 * i), 0) -
    frequencies.reduce((sum, i) => sum + i * Math.exp(-i), 0) ** 2 / incidences;
  const centre = seen / (1 - missed);
  const spread = (Z * Math.sqrt(Math.max(0, variance))) / (1 - missed);
  return [Math.max(0, centre - spread - seen), centre + spread - seen];
}

/**
 * With two runs, those seen twice are those that every run does, which says nothing of rare ones:
 * simulated, 0.01 were estimated where 6.5 were unseen.
 */
export const LEAST_RUNS = 3;

/** `frequencies`: of each kind that was seen, in how many of the `runs` it was. */
export function estimate(frequencies: readonly number[], runs: number): Estimate {
  const seen = frequencies.length;
  const once = frequencies.filter((i) => i === 1).length;
  const twice = frequencies.filter((i) => i === 2).length;
  const counts = { seen, once, twice };
  if (runs < LEAST_RUNS || seen === 0) {
    return { ...counts, unseen: null, interval: null, coverage: null, nextRun: null };
  }
  const t = (runs - 1) / runs;
  const pairs = once * (once - 1);
  const unseen = (t * pairs) / (2 * (twice + 1));
  const variance =
    (t * pairs) / (2 * (twice + 1)) +
    (t ** 2 * once * (2 * once - 1) ** 2) / (4 * (twice + 1) ** 2) +
    (t ** 2 * once ** 2 * twice * (once - 1) ** 2) / (4 * (twice + 1) ** 4);
  const incidences = frequencies.reduce((sum, i) => sum + i, 0);
  // Of those seen once, the share that Good and Turing would count as unseen; bias-corrected for no twice.
  const share =
    twice > 0
      ? ((runs - 1) * once) / ((runs - 1) * once + 2 * twice)
      : ((runs - 1) * Math.max(0, once - 1)) / ((runs - 1) * Math.max(0, once - 1) + 2);
  return {
    ...counts,
    unseen,
    interval: unseen > 0 ? logNormal(unseen, variance) : aroundZero(frequencies),
    coverage: 1 - (once / incidences) * share,
    nextRun: (once / runs) * share,
  };
}
