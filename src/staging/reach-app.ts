/** What the executables of recordings can call, looked up in the file system that they ran in. */

import { DEFAULTS } from '../config';
import {
  type ContainerControl,
  containerControl,
  controlAt,
  findContainer,
  PLAIN_CONTAINER,
} from '../engines';
import { SysieveError } from '../errors';
import type { MinimiseOptions, ReachChoice } from '../minimise';
import { describeProgram, gapsSentence, type Reach, unseen } from '../reach';
import type { Recording, Run } from '../recording';
import { ProgramScanner, scannerPath, withUnpacked } from '../scan';
import { removeLeftFiles } from './leftovers';
import { reachableCalls } from './reachable';
import { ownSession, SESSION_LABEL } from './session';
import type { NamedApp, StagingHooks } from './types';

/** Of an app's image, by default: a profile is not to fill a disk that nobody said to fill. */
const MOST_UNPACKED = 1024 * 1024 * 1024;
/** For an engine that does not answer. */
const PATIENCE_MS = 300_000;

/** Files that were seen mapped, by the executable that had them. */
export type Mapped = ReadonlyMap<string, ReadonlySet<string>>;

export function executablesOf(runs: readonly Run[]): string[] {
  return [...new Set(runs.flatMap((run) => run.executables))].sort();
}

/** `root`: a directory such as /proc/PID/root. */
export async function reachIn(
  root: string,
  executables: readonly string[],
  mapped: Mapped = new Map(),
  signal?: AbortSignal,
): Promise<Reach> {
  const scanner = new ProgramScanner(root);
  const made: Reach = { version: 1, executables: [] };
  for (const path of executables) {
    signal?.throwIfAborted();
    const files = await scanner.mappedBy(path, mapped);
    made.executables.push(describeProgram(await scanner.scan(path, files)));
  }
  return made;
}

/** Of an image, by a container that is made of it and not started. `most`: bytes that are unpacked. */
export async function reachOfImage(
  control: ContainerControl,
  image: string,
  executables: readonly string[],
  { signal, most }: { signal?: AbortSignal; most?: number } = {},
): Promise<Reach> {
  // Before an image is unpacked for nothing.
  scannerPath();
  const name = `sysieve-reach-${process.pid}-${Date.now().toString(36)}`;
  const owner = ownSession();
  const labels = { [SESSION_LABEL]: owner };
  removeLeftFiles();
  // An image may have no command, and engines make no container without one. It is not started.
  const id = await control.create({ ...PLAIN_CONTAINER, name, image, labels, command: ['/none'] });
  try {
    return await withUnpacked(
      (take) => control.files(id, take),
      (root) => reachIn(root, executables, undefined, signal),
      { owner, signal, most },
    );
  } finally {
    await control.remove(id);
  }
}

async function reachOfApp(
  { app }: NamedApp,
  runs: readonly Run[],
  limits: { signal: AbortSignal; most?: number },
): Promise<Reach> {
  const executables = executablesOf(runs);
  const { engine = 'auto', image, container } = app;
  if (image !== undefined) {
    return reachOfImage(await containerControl({ engine, image }), image, executables, limits);
  }
  if (container === undefined) return reachIn('/', executables, undefined, limits.signal);
  const { endpoint } = await findContainer(container, { engine });
  const control = await controlAt(endpoint);
  const { image: made } = await control.specOf(container);
  return reachOfImage(control, made, executables, limits);
}

/** What an app's files can call, for minimise. */
export interface Looked {
  /** `reach` is none where it is not known: the evidence then says that nobody looked. */
  readonly options: Pick<MinimiseOptions, 'reach' | 'reachable'>;
  /** null: it is not known. */
  readonly reach: Reach | null;
}

function choiceOf({ app }: NamedApp): ReachChoice {
  return app.minimise?.reach ?? DEFAULTS.reach;
}

/** Whether its evidence is to say what is reachable. */
export function wantsReach(app: NamedApp): boolean {
  return choiceOf(app) !== 'none';
}

export const NOT_LOOKED: Looked = { options: { reach: 'none', reachable: [] }, reach: null };

/**
 * Looks, unless `minimise.reach` is none. `report` changes no profile, so whatever goes wrong with it is
 * told in a line and fails nothing. With `likely` and `all` it decides what the profile permits, and
 * throws.
 */
export async function lookReachable(
  app: NamedApp,
  { runs }: Recording,
  hooks: Pick<StagingHooks, 'signal' | 'onStage' | 'onNote'>,
): Promise<Looked> {
  const wanted = choiceOf(app);
  if (wanted === 'none') return NOT_LOOKED;
  hooks.onStage(app.name, 'scanning what its executables can call');
  const unknown = (why: string): Looked => {
    hooks.onNote(app.name, `what else it can call is not known: ${why}`);
    return NOT_LOOKED;
  };
  const reporting = wanted === 'report';
  const late = AbortSignal.timeout(PATIENCE_MS);
  const limits = reporting
    ? { signal: AbortSignal.any([hooks.signal, late]), most: MOST_UNPACKED }
    : { signal: hooks.signal };
  try {
    const reach = await reachOfApp(app, runs, limits);
    const found = unseen(reach, runs);
    const gaps = gapsSentence(reach, found);
    if (reporting && reach.executables.every(({ modules }) => modules.length === 0)) {
      return unknown(gaps ?? 'no executable was recorded');
    }
    if (gaps !== null) hooks.onNote(app.name, `what else it can call is not known of all: ${gaps}`);
    return { options: { reach: wanted, reachable: reachableCalls(found) }, reach };
  } catch (thrown) {
    hooks.signal.throwIfAborted();
    if (!reporting) throw thrown;
    if (late.aborted) return unknown(`its files were not read in ${PATIENCE_MS / 60_000} minutes`);
    return unknown(textOf(thrown));
  }
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const reason = thrown instanceof SysieveError ? thrown.reason : undefined;
  return reason === undefined ? thrown.message : `${thrown.message}: ${reason}`;
}
