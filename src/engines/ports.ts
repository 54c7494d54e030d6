/** `[ADDRESS:]HOST:CONTAINER[/tcp|udp]`, as a ContainerSpec has its ports. */
import { SysieveError } from '../errors';

export interface Port {
  /** '': every address. */
  address: string;
  host: number;
  container: number;
  protocol: 'tcp' | 'udp';
}

export function parsePort(text: string): Port {
  const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  const [host, container] = [Number(match?.[2]), Number(match?.[3])];
  if (match === null || !isPort(host) || !isPort(container)) {
    throw new SysieveError('input', 'port-invalid', `"${text}" publishes no port`, {
      remedy: 'Write [ADDRESS:]HOST:CONTAINER[/tcp|udp], each port from 1 to 65535.',
    });
  }
  return { address: match[1] ?? '', host, container, protocol: match[4] === 'udp' ? 'udp' : 'tcp' };
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 65_535;
}

/** "TARGET" or "TARGET:OPTIONS", as Compose and both engines' commands have it. */
export function parseTmpfs(text: string): { target: string; options: string } {
  const colon = text.indexOf(':');
  if (colon < 0) return { target: text, options: '' };
  return { target: text.slice(0, colon), options: text.slice(colon + 1) };
}
