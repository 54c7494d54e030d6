/** Recordings and options to profile, evidence and report: the passes in their order, nothing else. */
import { SysieveError } from '../errors';
import { mergeRecordings } from '../recording';
import { ABIS, type Abi, abisOfMachine, syscallNumber } from '../tables';
import { argumentRules } from './arguments';
import { selectBaselines } from './baseline';
import { ceiling } from './ceiling';
import { clone3 } from './clone3';
import { checkCompleteness } from './completeness';
import { decided } from './decided';
import { buildEvidence, buildExcluded, buildProfile, buildUnseen } from './emit';
import { engineDefault, engineFilters } from './engine-default';
import { entryKey } from './entries';
import { arch, portable } from './equivalents';
import { application, denied, excluding, names, observe } from './observe';
import { architectures, essential, fallback, observed, risk, runtime } from './permit';
import { reachable } from './reachable';
import type {
  Context,
  Findings,
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
  args: 'safe',
  engineDefaults: null,
  portable: false,
  reach: 'none',
  reachable: [],
  arch: null,
  without: [],
  unruled: [],
};

/** From the recorded calls to those that may be permitted. Each pass reads what the last one left. */
const FILTERS: readonly Pass[] = [names, application, denied, risk, engineDefault];

/** From these to the profile; the order is part of what a profile means. */
const ADDITIONS: readonly Pass[] = [
  essential,
  runtime,
  clone3,
  argumentRules,
  arch,
  portable,
  reachable,
  fallback,
  ceiling,
  architectures,
];

/** What --without takes. */
export const PASS_NAMES: readonly string[] = [...FILTERS, ...ADDITIONS].map(({ name }) => name);

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
  const off = options.without.find((name) => !PASS_NAMES.includes(name));
  if (off !== undefined) {
    throw new SysieveError('usage', 'pass-unknown', `--without ${off}: no pass has this name`, {
      remedy: `Give one of ${PASS_NAMES.join(', ')}.`,
    });
  }
  const { denyErrno } = options;
  if (!Number.isInteger(denyErrno) || denyErrno < 1 || denyErrno > 4095) {
    throw new SysieveError('usage', 'errno-range', `errno ${denyErrno} is not from 1 to 4095`);
  }
}

/** A pass that is off may have left out what was recorded: then it is left out by name. */
function excludedByOff(state: State, without: readonly string[]): State['excluded'] {
  if (!without.includes('runtime')) return [];
  const missing = state.runtimeSeen.filter(
    ({ abi, name }) => name !== null && state.entries.get(entryKey(abi, name))?.answer !== 'allow',
  );
  return excluding(missing, 'pass runtime was switched off');
}

/** Where the architectures pass is off. */
function everyAbi(machines: readonly string[], arch: Abi | null): Abi[] {
  const listed = machines.flatMap((machine) => abisOfMachine(machine) ?? []);
  return ABIS.filter((abi) => (arch === null ? listed.includes(abi) : abi === arch));
}

const NOTHING: Findings = { added: [], removed: [], notes: [], warnings: [] };

/** Throws a SysieveError for incomplete or empty recordings, unknown runtimes, unusable options. */
export function minimise({ recordings, baselines, options }: MinimiseInput): MinimiseResult {
  checkOptions(options);
  const { runs } = mergeRecordings(recordings);
  const report: PassReport[] = [checkCompleteness(runs, options.allowIncomplete)];
  const context: Context = {
    machines: [...new Set(runs.map((run) => run.host.machine))].sort(),
    baselines: selectBaselines(baselines, options.runtimes),
    filters: options.without.includes(engineDefault.name)
      ? []
      : engineFilters(runs, options.engineDefaults),
    options,
  };
  let state: State = {
    observed: observe(runs),
    runtimeSeen: [],
    deniedSeen: [],
    entries: new Map(),
    rules: new Map(),
    excluded: [],
    architectures: everyAbi(context.machines, options.arch),
  };
  const step = (
    pass: Pick<Pass, 'name' | 'about'>,
    result: { state: State; findings: Partial<Findings> },
  ) => {
    state = result.state;
    report.push({ pass: pass.name, about: pass.about, ...NOTHING, ...result.findings });
  };
  const runPass = (pass: Pass) => {
    if (!options.without.includes(pass.name)) return step(pass, pass.run(state, context));
    step(pass, { state, findings: { warnings: [`pass ${pass.name} is off: ${pass.off}`] } });
  };
  for (const pass of FILTERS) runPass(pass);
  step(
    { name: 'observed', about: 'what is left of the application is permitted' },
    observed(state),
  );
  for (const pass of ADDITIONS) runPass(pass);
  step(
    { name: 'decided', about: 'rules are such that libseccomp compiles them to what they say' },
    decided(state, context),
  );
  const excluded = [...state.excluded, ...excludedByOff(state, options.without)];
  const final = { ...state, excluded };
  return {
    profile: buildProfile(final, options),
    evidence: buildEvidence(final),
    excluded: buildExcluded(final),
    unseen: options.reach === 'none' ? undefined : buildUnseen(final, options.reachable),
    report,
  };
}
