/** With which statuses each command ends, beside 0, 2 and 70, with which any does. */

const COMMON: Readonly<Record<number, string>> = {
  0: 'done',
  2: 'the command line makes no sense',
  70: 'a defect of sysieve',
};

const INPUT = 'a file, process or container is not what it should be';
const SYSTEM =
  'the system cannot do it: privilege, kernel, engine or library; the message has the remedy';
const INCOMPLETE = 'a recording is incomplete, and a complete one is needed';
const FINDING = 'with --fail-on: a finding that is not waived';
const COMMANDS_OWN =
  'of a command that was run: its own, or 128 plus the number of the signal that ended it';

interface Statuses {
  readonly byNumber: Readonly<Record<number, string>>;
  /** In words, where a status is not sysieve's own. */
  readonly other?: string;
}

const RESULT = { 3: INPUT, 4: SYSTEM };

const OWN: Readonly<Record<string, Statuses>> = {
  record: { byNumber: RESULT, other: COMMANDS_OWN },
  init: { byNumber: RESULT },
  profile: {
    byNumber: {
      1: 'an app did not get ready, its workload failed, or it was denied a call under its new profile',
      ...RESULT,
      5: `${INCOMPLETE}; with --strict-stable: a limit ended a recording before it was stable`,
    },
    other: 'the highest of several apps; 128 plus the number of the signal that ended it',
  },
  sessions: { byNumber: RESULT },
  stop: { byNumber: RESULT },
  minimise: { byNumber: { ...RESULT, 5: INCOMPLETE } },
  reach: { byNumber: RESULT },
  check: {
    byNumber: {
      1: 'an app needs more than its profile permits; with --max-unused: a profile permits more in vain',
      ...RESULT,
      5: INCOMPLETE,
    },
    other: '128 plus the number of the signal that ended it',
  },
  merge: { byNumber: RESULT },
  verify: {
    byNumber: {
      1: 'the profile is not sufficient or not minimal, or a call was denied in the run',
      ...RESULT,
      5: 'what ran was not seen whole, so that a denied call may be missing',
    },
  },
  diff: { byNumber: { 1: FINDING, ...RESULT } },
  lint: { byNumber: { 1: FINDING, ...RESULT } },
  explain: { byNumber: RESULT },
  inspect: { byNumber: { 1: FINDING, ...RESULT } },
  report: { byNumber: RESULT },
  export: { byNumber: RESULT },
  import: { byNumber: RESULT },
  run: { byNumber: RESULT, other: COMMANDS_OWN },
  agent: { byNumber: RESULT },
  hook: {
    byNumber: RESULT,
    other:
      'with --fail-closed, or fail:closed in the annotation; otherwise what goes wrong is told in the log, and the status is 0',
  },
  'git-diff-driver': {
    byNumber: { 4: SYSTEM },
    other:
      'what cannot be compared is said where the diff would stand: git would end its whole diff at another status',
  },
  'git-textconv': { byNumber: RESULT },
  doctor: { byNumber: { 4: 'no tracer is usable' } },
  schema: { byNumber: {} },
  completion: { byNumber: {} },
};

export interface Status {
  readonly number: string;
  readonly words: string;
}

/** In order; throws for a command of which nothing is said. */
export function statusesOf(command: string): Status[] {
  const own = OWN[command];
  if (own === undefined) throw new Error(`scripts/docs/statuses.ts says nothing of ${command}`);
  const all = { ...COMMON, ...own.byNumber };
  const numbered = Object.entries(all)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([number, words]) => ({ number, words }));
  return own.other === undefined ? numbered : [...numbered, { number: 'else', words: own.other }];
}
