/** Ports that take connections in the network namespace of a process. */
import { readFileSync } from 'node:fs';

/** TCP_LISTEN (include/net/tcp_states.h). */
const LISTEN = '0A';

/** Of /proc/net/tcp or tcp6. */
export function listeningIn(text: string): number[] {
  return text.split('\n').flatMap((line) => {
    const [, , local = '', , state] = ` ${line.trim()}`.split(/\s+/);
    const port = /:([0-9A-F]{4})$/.exec(local)?.[1];
    return state === LISTEN && port !== undefined ? [Number.parseInt(port, 16)] : [];
  });
}

/** Ascending. Empty where the process is gone. */
export function listeningPorts(pid: number): number[] {
  const found = ['tcp', 'tcp6'].flatMap((kind) => {
    try {
      return listeningIn(readFileSync(`/proc/${pid}/net/${kind}`, 'latin1'));
    } catch {
      return [];
    }
  });
  return [...new Set(found)].sort((a, b) => a - b);
}
