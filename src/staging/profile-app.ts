/** One app from its start to its profile on disk. What fails is part of the outcome, not thrown. */
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type App, DEFAULTS } from '../config';
import { SysieveError } from '../errors';
import { evidencePath, readTextFile, writeFileAtomic } from '../io';
import { DEFAULT_OPTIONS, type MinimiseOptions, missing, type RuntimeChoice } from '../minimise';
import type { UnseenEvidence } from '../profile';
import { serializeReach } from '../reach';
import { type Run, serializeRecording } from '../recording';
import { type Saturation, saturation, saturationText } from '../saturation';
import { BASELINES_DIRECTORY, loadBaselines } from './baselines';
import { profilePath } from './config-file';
import { deniedText } from './denied-text';
import {
  checkProfileDestination,
  type MadeProfile,
  makeProfile,
  readJustifications,
  writeProfile,
} from './make-profile';
import { type Looked, lookReachable, wantsReach } from './reach-app';
import { reachPath } from './reachable';
import { recordApp } from './record-app';
import { saysTheSame } from './same-evidence';
import { type Trial, tryProfile } from './trial';
import type { DeniedCall, NamedApp, StagingHooks } from './types';

export interface ProfileAppOptions {
  readonly strictStable: boolean;
  /** Where recordings are kept; null: they are not. */
  readonly keepRecordings: string | null;
}

export interface AppOutcome {
  readonly name: string;
  /** `unchanged`: the same bytes; `failed`: what was there is still there. */
  status: 'new' | 'changed' | 'unchanged' | 'failed';
  readonly profile: string;
  runs: number;
  /** How the recording ended, in words; null: it did not. */
  ended: string | null;
  /** Of what was recorded; null: it was not. */
  saturation: Saturation | null;
  denied: readonly DeniedCall[];
  /** What no run made, its files can make, and the profile refuses; null: it is not known. */
  unseen: readonly UnseenEvidence[] | null;
  /** What was there before; null: nothing. */
  before: { readonly text: string; readonly evidence: string | null } | null;
  made: MadeProfile | null;
  error: unknown;
}

function runtimesOf(names: readonly string[] | undefined): RuntimeChoice {
  if (names === undefined || names.includes('all')) return 'all';
  return names.includes('none') ? 'none' : [...names];
}

export function minimiseOptions(
  { minimise = {} }: App,
  justifications: Readonly<Record<string, string>>,
): MinimiseOptions {
  return {
    ...DEFAULT_OPTIONS,
    justifications,
    runtimes: runtimesOf(minimise.runtime),
    args: minimise.args ?? DEFAULT_OPTIONS.args,
    portable: minimise.portable ?? DEFAULT_OPTIONS.portable,
    reach: minimise.reach ?? DEFAULTS.reach,
    defaultAction: minimise.default ?? DEFAULT_OPTIONS.defaultAction,
    denyErrno: minimise.denyErrno ?? DEFAULT_OPTIONS.denyErrno,
    allow: minimise.allow ?? DEFAULT_OPTIONS.allow,
    without: minimise.without ?? DEFAULT_OPTIONS.without,
  };
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

function keptPath(name: string, directory: string): string {
  return join(directory, `${name}.recording.json`);
}

/** Written run by run: what failed later can still be looked at. */
function keeper(name: string, directory: string | null): (run: Run) => Promise<void> {
  const runs: Run[] = [];
  return async (run) => {
    runs.push(run);
    if (directory === null) return;
    await mkdir(directory, { recursive: true });
    await writeFileAtomic(keptPath(name, directory), serializeRecording({ version: 1, runs }));
  };
}

/** Beside the recording, where minimise looks; what an earlier one left there is not of this one. */
async function keepReach(name: string, directory: string | null, { reach }: Looked): Promise<void> {
  if (directory === null) return;
  const path = reachPath(keptPath(name, directory));
  if (reach === null) await rm(path, { force: true });
  else await writeFileAtomic(path, serializeReach(reach));
}

const REMEDY =
  'Give the recording a workload or runs that make these calls; one that minimise left out on ' +
  'purpose is permitted by minimise.allow, or by a justification in the evidence.';

/** Throws for a profile that the app does not live under. */
export function judgeTrial({ name }: NamedApp, { denied, run, failure }: Trial): void {
  if (denied.length > 0) {
    const broke = failure?.thrown instanceof SysieveError ? failure.thrown.message : null;
    throw new SysieveError(
      'check',
      'profile-denies',
      `${name}: under the profile made of it, ${denied.length} call(s) were denied that it makes`,
      {
        cause: [denied.map(deniedText).join('; '), ...(broke === null ? [] : [broke])].join(' | '),
        remedy: REMEDY,
      },
    );
  }
  if (failure !== null) {
    if (!(failure.thrown instanceof SysieveError)) throw failure.thrown;
    const { kind, reason, remedy } = failure.thrown;
    const message = failure.thrown.message.replace(`${name}: `, '');
    throw new SysieveError(
      kind,
      'profile-breaks',
      `${name}: under the profile made of it: ${message}`,
      {
        ...(reason === undefined ? {} : { cause: reason }),
        ...(remedy === undefined ? {} : { remedy }),
      },
    );
  }
  const lost = missing(run);
  if (lost.length > 0 || run.completeness.deniedSinceMs === null) {
    throw new SysieveError(
      'incomplete',
      'trial-incomplete',
      `${name}: not every call under its profile was seen, so nobody knows what it denies`,
      {
        cause: lost.join('; ') || 'denied calls were not watched',
        remedy: "Run 'sysieve profile' again; 'sysieve doctor' says what recording lacks here.",
      },
    );
  }
}

class ProfileApp {
  readonly outcome: AppOutcome;

  constructor(
    private readonly app: NamedApp,
    private readonly options: ProfileAppOptions,
    private readonly hooks: StagingHooks,
  ) {
    this.outcome = {
      name: app.name,
      status: 'failed',
      profile: profilePath(app),
      runs: 0,
      ended: null,
      saturation: null,
      denied: [],
      unseen: null,
      before: null,
      made: null,
      error: null,
    };
  }

  async run(): Promise<void> {
    const { app, hooks, outcome } = this;
    hooks.signal.throwIfAborted();
    await mkdir(dirname(outcome.profile), { recursive: true });
    // Before minutes of recording, not after them.
    await checkProfileDestination(outcome.profile);
    const justifications = await readJustifications(outcome.profile);
    const keep = keeper(app.name, this.options.keepRecordings);
    const { recording, ended } = await recordApp(
      app,
      {
        strictStable: this.options.strictStable,
        onRun: async (run) => {
          outcome.runs += 1;
          await keep(run);
        },
      },
      hooks,
    );
    outcome.ended = ended;
    outcome.saturation = saturation(recording);
    const looked = await lookReachable(app, recording, hooks);
    await keepReach(app.name, this.options.keepRecordings, looked);
    const options = { ...minimiseOptions(app.app, justifications), ...looked.options };
    const baselines =
      options.runtimes === 'none' ? [] : await loadBaselines(BASELINES_DIRECTORY, false);
    const onNote = (text: string): void => hooks.onNote(app.name, text);
    const made = makeProfile({ recording, baselines, options }, onNote);
    hooks.onStage(app.name, `minimised and proved: ${saturationText(outcome.saturation)}`);

    const trial = await tryProfile(app, made.result.profile, recording, hooks);
    outcome.denied = trial.denied;
    judgeTrial(app, trial);
    for (const call of trial.alike) onNote(`denied as it was when recorded: ${deniedText(call)}`);
    hooks.onStage(app.name, 'under its profile: nothing was denied that it needs');
    await this.write(made);
    // Of a profile that is as it was they were told when it came to be so.
    if (outcome.status === 'unchanged') return;
    for (const { warnings } of made.result.report) warnings.forEach(onNote);
    made.proof.notes.forEach(onNote);
  }

  private async write(made: MadeProfile): Promise<void> {
    const { app, outcome, hooks } = this;
    const { profile } = outcome;
    const [text, evidence] = [await textOrNull(profile), await textOrNull(evidencePath(profile))];
    // The last moment: an interrupted command writes nothing any more.
    hooks.signal.throwIfAborted();
    const same =
      text === made.profileText && saysTheSame(evidence, made.evidenceText, wantsReach(app));
    if (!same) await writeProfile(profile, made);
    outcome.made = made;
    outcome.unseen = made.result.unseen ?? null;
    outcome.before = text === null ? null : { text, evidence };
    outcome.status = text === null ? 'new' : text === made.profileText ? 'unchanged' : 'changed';
  }
}

/** An error of an engine or of minimise does not know which app it is about. */
function named(name: string, thrown: unknown): unknown {
  if (!(thrown instanceof SysieveError) || thrown.message.startsWith(`${name}: `)) return thrown;
  const { kind, code, message, reason, remedy } = thrown;
  return new SysieveError(kind, code, `${name}: ${message}`, {
    ...(reason === undefined ? {} : { cause: reason }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

export async function profileApp(
  app: NamedApp,
  options: ProfileAppOptions,
  hooks: StagingHooks,
): Promise<AppOutcome> {
  const one = new ProfileApp(app, options, hooks);
  try {
    await one.run();
  } catch (thrown) {
    one.outcome.error = named(app.name, thrown);
  }
  return one.outcome;
}
