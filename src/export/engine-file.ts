/**
 * A file for an engine that reads its own format, of which OCI is a part: read here as that engine
 * reads it, and refused where it would mean something else there.
 */
import { SysieveError } from '../errors';
import {
  type EngineContext,
  parseGatedProfile,
  resolveGatedProfile,
  unreadFields,
} from '../profile';
import { machinesOf, meansTheSame, plainFile } from './plain';
import type { ExportOptions, NamedProfile } from './types';

/** Where listeners and flags go by unread, nothing of the filter's answers says so. */
const OUTSIDE_THE_ANSWERS = /^(?:flags|listener)/;

export function engineFile(
  named: NamedProfile,
  engine: EngineContext['engine'],
  options: ExportOptions,
): { text: string; notes: string[] } {
  const made = plainFile(named, options);
  const read = parseGatedProfile(made.text, named.source);
  for (const machine of machinesOf(named.profile)) {
    const context: EngineContext = {
      engine,
      engineVersion: options.engineVersion,
      capabilities: [],
      kernelVersion: '6.1',
      architecture: machine,
    };
    const unread = unreadFields(read, context);
    const there = resolveGatedProfile(read, context);
    const same = meansTheSame(named.profile, there, machine, options);
    const [lost] = unread.filter((path) => !same || OUTSIDE_THE_ANSWERS.test(path));
    if (same && lost === undefined) continue;
    throw new SysieveError(
      'input',
      'export-unread',
      `${named.source}: ${lost ?? 'the profile'} is not read by ${engine}` +
        `${options.engineVersion === undefined ? '' : ` ${options.engineVersion}`}, and means something`,
      { remedy: 'Leave it out, or use a later release of the engine.' },
    );
  }
  return made;
}
