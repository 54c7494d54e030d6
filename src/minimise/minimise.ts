/** Recordings and options to profile, evidence and report: the passes in their order, nothing else. */
import { SysieveError } from '../errors';
import { canonicalProfile, type EvidenceCall, type Profile } from '../profile';
import { mergeRecordings, Phase } from '../recording';
import { ABIS, archOf, ENOSYS, syscallNumber } from '../tables';
import { selectBaselines } from './baseline';
import { checkCompleteness } from './completeness';
import { application, denied, names, observe } from './observe';
import { architectures, essential, fallback, risk, runtime } from './permit';
import type {
  Context,
  Entry,
  MinimiseInput,
  MinimiseOptions,
  MinimiseResult,
  Pass,
  PassReport,
  State,
} from './types';

export const DEFAULT_OPTIONS: MinimiseOptions = {
  defaultAction: 'errno',
  denyErrno: 1,
  allowIncomplete: false,
  allow: [],
  justifications: {},
  runtimes: 'all',
};

/** Each pass reads what the ones before it left; the order is part of what a profile means. */
const PASSES: readonly Pass[] = [
  names,
  application,
  denied,
  risk,
  essential,
  runtime,
  fallback,
  architectures,
];

function checkOptions(options: MinimiseOptions): void {
  const unknown = options.allow.find((name) =>
    ABIS.every((abi) => syscallNumber(abi, name) === null),
  );
  if (unknown !== undefined) {
    throw new SysieveError(
      'usage',
      'allow-unknown',
      `--allow ${unknown}: no system call has this name`,
    );
  }
  const { denyErrno } = options;
  if (!Number.isInteger(denyErrno) || denyErrno < 1 || denyErrno > 4095) {
    throw new SysieveError('usage', 'errno-range', `errno ${denyErrno} is not from 1 to 4095`);
  }
}

function defaults(options: MinimiseOptions): Pick<Profile, 'defaultAction' | 'defaultErrnoRet'> {
  switch (options.defaultAction) {
    case 'errno':
      return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: options.denyErrno };
    case 'log':
      return { defaultAction: 'SCMP_ACT_LOG' };
    case 'kill':
      return { defaultAction: 'SCMP_ACT_KILL_PROCESS' };
  }
}

function buildProfile(state: State, options: MinimiseOptions): Profile {
  const namesOf = (answer: Entry['answer']) => [
    ...new Set([...state.entries.values()].filter((e) => e.answer === answer).map((e) => e.name)),
  ];
  const refused = namesOf('enosys');
  return canonicalProfile({
    ...defaults(options),
    architectures: state.architectures.map(archOf) as Profile['architectures'],
    syscalls: [
      { names: namesOf('allow'), action: 'SCMP_ACT_ALLOW', args: [] },
      ...(refused.length === 0
        ? []
        : [{ names: refused, action: 'SCMP_ACT_ERRNO' as const, errnoRet: ENOSYS, args: [] }]),
    ],
  });
}

function buildEvidence(state: State): EvidenceCall[] {
  return [...state.entries.values()]
    .map((entry) => ({
      abi: entry.abi,
      name: entry.name,
      action: entry.answer === 'allow' ? ('SCMP_ACT_ALLOW' as const) : ('SCMP_ACT_ERRNO' as const),
      errnoRet: entry.answer === 'allow' ? null : ENOSYS,
      why: [...entry.why],
      executables: [...entry.executables].sort(),
      phases: Phase.options.filter((phase) => entry.phases.includes(phase)),
    }))
    .sort(
      (a, b) =>
        ABIS.indexOf(a.abi) - ABIS.indexOf(b.abi) ||
        Number(a.name > b.name) - Number(a.name < b.name),
    );
}

/** Throws a SysieveError for incomplete or empty recordings, unknown runtimes, unusable options. */
export function minimise({ recordings, baselines, options }: MinimiseInput): MinimiseResult {
  checkOptions(options);
  const { runs } = mergeRecordings(recordings);
  const report: PassReport[] = [checkCompleteness(runs, options.allowIncomplete)];
  const context: Context = {
    machines: [...new Set(runs.map((run) => run.host.machine))].sort(),
    baselines: selectBaselines(baselines, options.runtimes),
    options,
  };
  let state: State = {
    observed: observe(runs),
    runtimeSeen: [],
    entries: new Map(),
    architectures: [],
  };
  for (const pass of PASSES) {
    const result = pass.run(state, context);
    state = result.state;
    const none = { added: [], removed: [], notes: [], warnings: [] };
    report.push({ pass: pass.name, about: pass.about, ...none, ...result.findings });
  }
  return { profile: buildProfile(state, options), evidence: buildEvidence(state), report };
}
