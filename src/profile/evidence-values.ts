/** The words of the evidence beside a profile, without its schema. */

/** 2: argument alternatives, and what was left out. Version 1 is read as such a file without them. */
export const EVIDENCE_VERSION = 2;

/** observed: the application made it; the others: see the pass of that name. */
export const WHYS = [
  'observed',
  'essential',
  'runtime',
  'generalised',
  'equivalent',
  'fallback',
] as const;
