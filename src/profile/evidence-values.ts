/** The words of the evidence beside a profile, without its schema. */

import type { Versions } from '../json';

export const EVIDENCE_VERSION = 3;

export const EVIDENCE_VERSIONS: Versions = {
  current: EVIDENCE_VERSION,
  migrations: {
    // 2 has argument alternatives, and what was left out: there was nothing of these.
    1: (document) => ({ excluded: [], ...document }),
    // 3 has what is reachable: nobody had looked.
    2: (document) => document,
  },
};

/**
 * How likely a call that no run made is made one day: likely, a little way from the application's own
 * code; possible, some way; remote, through pointers in the data of libraries, or libraries of libraries.
 */
export const LIKELIHOODS = ['likely', 'possible', 'remote'] as const;
export type Likelihood = (typeof LIKELIHOODS)[number];

/** observed: the application made it; the others: see the pass of that name. */
export const WHYS = [
  'observed',
  'essential',
  'runtime',
  'generalised',
  'equivalent',
  'reachable',
  'fallback',
] as const;
