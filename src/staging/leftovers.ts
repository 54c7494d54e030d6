/** Containers that a killed sysieve left behind. */
import type { ContainerControl } from '../engines';
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
