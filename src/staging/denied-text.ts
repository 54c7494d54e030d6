/** Denied calls in words. Untrusted paths are in it. */
import { constants } from 'node:os';
import type { DeniedCall } from './types';

const EXECUTABLES_SHOWN = 3;

/** "EPERM", "killed or trapped", or "errno 1234" */
export function errnoText(errno: string): string {
  if (errno === '0') return 'killed or trapped';
  const found = Object.entries(constants.errno).find(([, value]) => String(value) === errno);
  return found?.[0] ?? `errno ${errno}`;
}

/** "mkdir (3 times, EPERM, by /usr/bin/server)" */
export function deniedText(call: DeniedCall): string {
  const name = call.name ?? `#${call.number}`;
  const abi = call.abi === 'x86_64' ? '' : `${call.abi} `;
  const times = call.count === 1 ? 'once' : `${call.count} times`;
  const errnos = Object.keys(call.errnos).map(errnoText).join(', ');
  const shown = call.executables.slice(0, EXECUTABLES_SHOWN).join(', ');
  const by = shown === '' ? '' : `, by ${shown}`;
  const args =
    call.arguments === null || call.arguments.length === 0
      ? ''
      : `, with ${call.arguments.join('; ')}`;
  return `${abi}${name} (${times}, ${errnos}${by}${args})`;
}
