/** The words of the evidence beside a profile, without its schema. */

import type { Versions } from '../json';

export const EVIDENCE_VERSION = 2;

export const EVIDENCE_VERSIONS: Versions = {
  current: EVIDENCE_VERSION,
  migrations: {
    // 2 has argument alternatives, and what was left out: there was nothing of these.
    1: (document) => ({ excluded: [], ...document }),
  },
};

/** observed: the application made it; the others: see the pass of that name. */
export const WHYS = [
  'observed',
  'essential',
  'runtime',
  'generalised',
  'equivalent',
  'fallback',
] as const;
