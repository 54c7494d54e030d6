/** Random moments that can be had again: the seed is printed, and SYSIEVE_SEED sets it. */
export interface Moments {
  seed: number;
  /** The next one, in [0, most). */
  next(most: number): number;
}

export function moments(what: string): Moments {
  const given = process.env.SYSIEVE_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  process.stderr.write(`${what}: SYSIEVE_SEED=${seed}\n`);
  let state = seed >>> 0;
  return {
    seed,
    // mulberry32
    next(most) {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * most;
    },
  };
}
