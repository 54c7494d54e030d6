'use strict';
/** Medians and their order-statistic intervals: no assumption about how the noise is distributed. */

/** @typedef {{median: number, low: number | null, high: number | null, n: number}} Estimate */

/** @param {number[]} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/**
 * The largest rank k for which the k-th smallest and the k-th largest of n values enclose the
 * median with a probability of at least 95%; 0 when n is too small for any (below 6).
 * @param {number} n
 */
function intervalRank(n) {
  // Probability that at most k-1 of n values lie below the median: the tail of Binomial(n, 1/2).
  let probability = 2 ** -n;
  let tail = 0;
  for (let k = 1; k <= n / 2; k++) {
    tail += probability;
    if (2 * tail > 0.05) return k - 1;
    probability *= (n - k + 1) / k;
  }
  return n >> 1;
}

/**
 * @param {number[]} values
 * @returns {Estimate}
 */
function estimate(values) {
  const rank = intervalRank(values.length);
  const sorted = Float64Array.from(values).sort();
  return {
    median: median(values),
    low: rank ? /** @type {number} */ (sorted[rank - 1]) : null,
    high: rank ? /** @type {number} */ (sorted[sorted.length - rank]) : null,
    n: values.length,
  };
}

/**
 * A random order.
 * @template T
 * @param {T[]} values
 */
function shuffled(values) {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [/** @type {T} */ (copy[j]), /** @type {T} */ (copy[i])];
  }
  return copy;
}

module.exports = { estimate, intervalRank, median, shuffled };
