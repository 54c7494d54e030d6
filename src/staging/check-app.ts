/** One app against its committed profile. What fails is part of the outcome, not thrown. */

import { mkdir } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { type Compared, compare, finding } from '../check';
import { DEFAULTS } from '../config';
import type { ProfileSide } from '../diff';
import { SysieveError } from '../errors';
import { evidencePath, readTextFile } from '../io';
import { linesOf, offsetsIn } from '../json';
import {
  type Evidence,
  type Profile,
  parseEvidence,
  parseProfile,
  type UnseenEvidence,
} from '../profile';
import { newlyLikely, unseenSentence } from '../reach';
import type { Recording } from '../recording';
import { NOTHING } from '../review';
import { type Saturation, saturation } from '../saturation';
import { BASELINES_DIRECTORY, loadBaselines } from './baselines';
import { compileIfPossible, machineOf } from './compiled';
import { profilePath } from './config-file';
import {
  checkProfileDestination,
  type MadeProfile,
  makeProfile,
  readJustifications,
  writeProfile,
} from './make-profile';
import { judgeTrial, minimiseOptions } from './profile-app';
import { lookReachable, NOT_LOOKED, wantsReach } from './reach-app';
import { recordApp } from './record-app';
import { saysTheSame } from './same-evidence';
import { tryProfile } from './trial';
import type { NamedApp, StagingHooks } from './types';

export interface CheckAppOptions {
  /** Compared instead of a new recording; null: the app is recorded. */
  readonly recording: Recording | null;
  /** Write the profile that the recording makes. */
  readonly update: boolean;
  /** The config file, as findings name it that are about no profile. */
  readonly config: string;
}

export interface CheckOutcome {
  readonly name: string;
  /** Relative to the working directory where it lies in there. */
  readonly profile: string;
  /** null: it could not be compared; `error` says why. */
  compared: Compared | null;
  /** How the recording ended, in words; null: it was given, or there is none. */
  ended: string | null;
  saturation: Saturation | null;
  /** null: not asked for. */
  updated: 'new' | 'changed' | 'unchanged' | null;
  /** null: nothing failed. */
  error: unknown;
}

/** As people name a file; in the repository, where services show findings beside the code. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') ? path : near;
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.code === 'file-missing') return null;
    throw thrown;
  }
}

interface Committed {
  readonly text: string;
  readonly evidenceText: string | null;
  readonly evidence: Evidence | null;
}

async function readCommitted(path: string): Promise<Committed | null> {
  const text = await textOrNull(path);
  if (text === null) return null;
  const source = evidencePath(path);
  const evidenceText = await textOrNull(source);
  const evidence = evidenceText === null ? null : parseEvidence(evidenceText, shownPath(source));
  return { text, evidenceText, evidence };
}

function sideOf(path: string, { text, evidence }: Committed): ProfileSide {
  const file = shownPath(path);
  const value = parseProfile(text, file);
  const offsets = offsetsIn(text);
  const lines = linesOf(text);
  return {
    kind: 'profile',
    label: file,
    notes: [],
    profile: { format: 'oci', value },
    engine: null,
    text,
    places: (at) => ({ file, ...lines(offsets(at)) }),
    evidence,
  };
}

const NO_EVIDENCE =
  'there is no evidence beside the profile: what it leaves out on purpose, and which of its ENOSYS ' +
  'answers are fallbacks, is not known';

/** Of calls that this recording did not see those that the committed profile permits are no news. */
function refusedBy(
  { syscalls }: Profile,
  unseen: readonly UnseenEvidence[] | undefined,
): UnseenEvidence[] | null {
  if (unseen === undefined) return null;
  const permitted = new Set(
    syscalls.flatMap(({ names, action }) => (action === 'SCMP_ACT_ALLOW' ? names : [])),
  );
  return unseen.filter(({ name }) => !permitted.has(name));
}

/**
 * What can be called and was not, as it is now; where nobody could look, as it was when the profile was
 * made. Never a finding: the app has not been seen to need it.
 */
function unseenNotes(now: readonly UnseenEvidence[] | null, evidence: Evidence | null): string[] {
  const sentence = unseenSentence(now ?? evidence?.unseen ?? []);
  if (sentence === null) return [];
  if (now === null || evidence?.unseen === undefined) return [sentence];
  const key = ({ abi, name }: { abi: string; name: string }): string => `${abi} ${name}`;
  const told = new Set([...evidence.unseen, ...evidence.excluded].map(key));
  const fresh = now.filter((one) => one.likelihood === 'likely' && !told.has(key(one)));
  const news = newlyLikely(fresh);
  return news === null ? [sentence] : [sentence, news];
}

class CheckApp {
  readonly outcome: CheckOutcome;
  private readonly path: string;

  constructor(
    private readonly app: NamedApp,
    private readonly options: CheckAppOptions,
    private readonly hooks: StagingHooks,
  ) {
    this.path = profilePath(app);
    this.outcome = {
      name: app.name,
      profile: shownPath(this.path),
      compared: null,
      ended: null,
      saturation: null,
      updated: null,
      error: null,
    };
  }

  async run(): Promise<void> {
    const { app, options, outcome } = this;
    if (options.update) {
      await mkdir(dirname(this.path), { recursive: true });
      // Before minutes of recording, not after them.
      await checkProfileDestination(this.path);
    }
    const committed = await readCommitted(this.path);
    if (committed === null && !options.update) {
      outcome.compared = this.withoutProfile();
      return;
    }
    // Wrong files are told of before anything is recorded.
    const side = committed === null ? null : sideOf(this.path, committed);
    const recording = options.recording ?? (await this.record());
    outcome.saturation = saturation(recording);
    const made = await this.make(recording);
    if (side !== null) {
      outcome.compared = this.compared(side, recording, made);
      this.hooks.onStage(app.name, 'compared with its profile');
    }
    if (options.update) await this.update(committed, recording, made);
  }

  private async record(): Promise<Recording> {
    const { app, hooks, outcome } = this;
    const { recording, ended } = await recordApp(app, { strictStable: false }, hooks);
    outcome.ended = ended;
    return recording;
  }

  private async make(recording: Recording): Promise<MadeProfile> {
    const { app, hooks } = this;
    const wanted = minimiseOptions(app.app, await readJustifications(this.path));
    // A recording that was given is compared alone, unless what is reachable decides or is written.
    const look =
      this.options.recording === null || this.options.update || wanted.reach !== DEFAULTS.reach;
    const looked = look ? await lookReachable(app, recording, hooks) : NOT_LOOKED;
    const options = { ...wanted, ...looked.options };
    const baselines =
      options.runtimes === 'none' ? [] : await loadBaselines(BASELINES_DIRECTORY, false);
    return makeProfile({ recording, baselines, options }, (text) => hooks.onNote(app.name, text));
  }

  private withoutProfile(): Compared {
    const { app, options } = this;
    const missing = finding(app.name, {
      ...NOTHING,
      rule: 'check-no-profile',
      severity: 'high',
      message: `${app.name} has no profile: there is no ${this.outcome.profile}`,
      reason: `make it with \`sysieve profile ${app.name}\`, and commit it`,
      place: { file: options.config, line: 1, column: 1 },
    });
    return { missing: [missing], unused: [], notes: [] };
  }

  private compared(side: ProfileSide, recording: Recording, made: MadeProfile): Compared {
    const { app, hooks } = this;
    if (side.profile.format !== 'oci') throw new Error('not as it was made');
    const profile = side.profile.value;
    const compared = compare({
      app: app.name,
      side,
      profile,
      runs: recording.runs,
      compiled: compileIfPossible(profile, (text) => hooks.onNote(app.name, text)),
      machine: machineOf(profile),
      need: made.result,
    });
    const notes = [
      ...(side.evidence === null ? [NO_EVIDENCE] : []),
      ...unseenNotes(refusedBy(profile, made.result.unseen), side.evidence),
    ];
    return { ...compared, notes: [...compared.notes, ...notes] };
  }

  /** A profile made of a recording that was given is proved, and not tried: nothing is started. */
  private async update(
    committed: Committed | null,
    recording: Recording,
    made: MadeProfile,
  ): Promise<void> {
    const { app, options, hooks, outcome } = this;
    const same =
      committed?.text === made.profileText &&
      saysTheSame(committed.evidenceText, made.evidenceText, wantsReach(app));
    if (same) {
      outcome.updated = 'unchanged';
      return;
    }
    if (options.recording === null) {
      judgeTrial(app, await tryProfile(app, made.result.profile, recording, hooks));
    }
    // The last moment: an interrupted command writes nothing any more.
    hooks.signal.throwIfAborted();
    await writeProfile(this.path, made);
    outcome.updated = committed === null ? 'new' : 'changed';
  }
}

export async function checkApp(
  app: NamedApp,
  options: CheckAppOptions,
  hooks: StagingHooks,
): Promise<CheckOutcome> {
  const one = new CheckApp(app, options, hooks);
  try {
    await one.run();
  } catch (thrown) {
    one.outcome.error = thrown;
  }
  return one.outcome;
}
