/**
 * Starts an application under capture where it belongs, in a container or on the host, runs `body`,
 * ends it, and returns what was seen.
 */
import { rehearseCommand } from './command-subject';
import { rehearseContainer } from './container-subject';
import type { Rehearsal, Rehearsed } from './subject';

export function rehearse(rehearsal: Rehearsal): Promise<Rehearsed> {
  const { image, container } = rehearsal.app.app;
  return image === undefined && container === undefined
    ? rehearseCommand(rehearsal)
    : rehearseContainer(rehearsal);
}
