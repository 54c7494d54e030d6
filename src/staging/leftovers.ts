/** Containers and files that a killed sysieve left behind. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerControl } from '../engines';
import { UNPACKED } from '../scan';
import { isDead, SESSION_LABEL } from './session';
import type { StagingHooks } from './types';

/** Once for each engine and process: what is left later has a living owner, this one. */
const cleaned = new Map<string, Promise<void>>();

async function removeAll(
  control: ContainerControl,
  app: string,
  hooks: StagingHooks,
): Promise<void> {
  const found = await control.labelled(SESSION_LABEL, null);
  const dead = found.filter(({ labels }) => isDead(labels[SESSION_LABEL] ?? ''));
  for (const { id } of dead) await control.remove(id);
  if (dead.length > 0) {
    hooks.onNote(app, `removed ${dead.length} container(s) of a sysieve that was killed`);
  }
}

/** Removes the containers of owners that are dead for certain, and no others. */
export function removeLeftovers(
  control: ContainerControl,
  app: string,
  hooks: StagingHooks,
): Promise<void> {
  const where = `${control.engine} ${control.endpoint.path}`;
  let cleaning = cleaned.get(where);
  if (cleaning === undefined) {
    cleaning = removeAll(control, app, hooks);
    cleaned.set(where, cleaning);
  }
  return cleaning;
}

/** Removes what was unpacked by owners of this user that are dead for certain. */
export function removeLeftFiles(directory = tmpdir()): void {
  try {
    for (const name of readdirSync(directory)) {
      // As mkdtemp makes it: six characters behind the owner.
      if (!name.startsWith(UNPACKED) || !isDead(name.slice(UNPACKED.length, -'-XXXXXX'.length))) {
        continue;
      }
      const path = join(directory, name);
      const { uid } = lstatSync(path);
      // What others put there by that name is theirs, and may change while it is removed.
      if (uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
    }
  } catch {
    // Another one removed it, or it cannot be: it costs room, and nothing else.
  }
}
