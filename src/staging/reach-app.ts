/** What the executables of recordings can call, looked up in the file system that they ran in. */
import {
  type ContainerControl,
  containerControl,
  controlAt,
  findContainer,
  PLAIN_CONTAINER,
} from '../engines';
import { SysieveError } from '../errors';
import type { ReachableCall } from '../minimise';
import { describeProgram, type Reach } from '../reach';
import type { Recording, Run } from '../recording';
import { ProgramScanner, withUnpacked } from '../scan';
import { reachableOf } from './reachable';
import type { NamedApp, StagingHooks } from './types';

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
): Promise<Reach> {
  const scanner = new ProgramScanner(root);
  const made: Reach = { version: 1, executables: [] };
  for (const path of executables) {
    const files = await scanner.mappedBy(path, mapped);
    made.executables.push(describeProgram(await scanner.scan(path, files)));
  }
  return made;
}

/** Of an image, by a container that is made of it and not started. */
export async function reachOfImage(
  control: ContainerControl,
  image: string,
  executables: readonly string[],
): Promise<Reach> {
  const name = `sysieve-reach-${process.pid}-${Date.now().toString(36)}`;
  // An image may have no command, and engines make no container without one. It is not started.
  const id = await control.create({ ...PLAIN_CONTAINER, name, image, command: ['/none'] });
  try {
    return await withUnpacked(
      (take) => control.files(id, take),
      (root) => reachIn(root, executables),
    );
  } finally {
    await control.remove(id);
  }
}

async function reachOfApp({ app }: NamedApp, runs: readonly Run[]): Promise<Reach> {
  const executables = executablesOf(runs);
  const { engine = 'auto', image, container } = app;
  if (image !== undefined) {
    return reachOfImage(await containerControl({ engine, image }), image, executables);
  }
  if (container === undefined) return reachIn('/', executables);
  const { endpoint } = await findContainer(container, { engine });
  const control = await controlAt(endpoint);
  const { image: made } = await control.specOf(container);
  return reachOfImage(control, made, executables);
}

/**
 * What minimise is told is reachable. What cannot be scanned is told, and costs no profile: nothing was
 * promised of paths that no run took. With `likely` and `all` it decides what the profile permits.
 */
export async function reachableFor(
  app: NamedApp,
  { runs }: Recording,
  hooks: Pick<StagingHooks, 'onStage' | 'onNote'>,
): Promise<ReachableCall[]> {
  const wanted = app.app.minimise?.reach ?? 'none';
  if (wanted === 'none') return [];
  hooks.onStage(app.name, 'scanning what its executables can call');
  try {
    return reachableOf(await reachOfApp(app, runs), runs);
  } catch (thrown) {
    if (wanted !== 'report' || !(thrown instanceof SysieveError)) throw thrown;
    hooks.onNote(app.name, `what is reachable is not known: ${thrown.message}`);
    return [];
  }
}
