/** Values of a Compose service as the config has them. Whatever does not fit is told, never guessed. */
import { splitWords } from './words';

/** Says something about the value being read. */
export type Tell = (says: string) => void;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function scalar(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return ['number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : null;
}

export function texts(value: unknown, tell: Tell): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => {
    const text = scalar(item);
    if (text === null) tell('expected a text');
    return text === null ? [] : [text];
  });
}

export function words(value: unknown, tell: Tell): string[] | undefined {
  if (value === null) return undefined;
  if (Array.isArray(value)) return texts(value, tell);
  const split = splitWords(scalar(value) ?? '');
  if (split === null) tell('a quote in it is not closed');
  return split ?? undefined;
}

export function bool(value: unknown, tell: Tell): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  tell('expected true or false');
  return undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

export function bytes(value: unknown, tell: Tell): number | undefined {
  const match = /^(\d{1,12})([bkmg]?)b?$/i.exec(scalar(value) ?? '');
  if (match === null) tell('expected a size such as 64m');
  return match === null
    ? undefined
    : Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1);
}

/** "1m30s", as Go has durations, in the config's own form. */
export function duration(value: unknown, tell: Tell): string | undefined {
  const text = scalar(value) ?? '';
  const parts = /^(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?(?:(\d{1,6})ms)?$/.exec(text);
  if (parts === null || text === '') {
    tell('expected a time such as 30s');
    return undefined;
  }
  const [, h = '0', m = '0', s = '0', ms = '0'] = parts;
  const seconds = Number(h) * 3600 + Number(m) * 60 + Number(s);
  return Number(ms) === 0 ? `${seconds}s` : `${seconds * 1000 + Number(ms)}ms`;
}

/** Both forms of `environment`, as name and value; null: the value is the environment's own. */
export function environment(value: unknown, tell: Tell): [name: string, value: string | null][] {
  if (isObject(value)) {
    return Object.entries(value).map(([name, one]) => [name, scalar(one)]);
  }
  return texts(value, tell).map((line) => {
    const at = line.indexOf('=');
    return at === -1 ? [line, null] : [line.slice(0, at), line.slice(at + 1)];
  });
}

const PORT = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(?:(\d{1,5}):)(\d{1,5})(?:\/(tcp|udp))?$/;

export function port(value: unknown, tell: Tell): string | null {
  let text = scalar(value);
  if (isObject(value)) {
    const { target, published, protocol, host_ip: address, ...others } = value;
    const part = (one: unknown) => scalar(one) ?? '';
    const more = Object.keys(others).filter(
      (key) => !['mode', 'name', 'app_protocol'].includes(key),
    );
    if (more.length > 0) tell(`${more.join(', ')} is not taken over`);
    text =
      `${address === undefined ? '' : `${part(address)}:`}${part(published)}:${part(target)}` +
      (protocol === undefined ? '' : `/${part(protocol)}`);
  }
  const match = PORT.exec(text ?? '');
  if (match !== null) return text;
  tell(
    'not taken over: expected one port of the host and one of the container ([ADDRESS:]HOST:CONTAINER)',
  );
  return null;
}

export interface Volume {
  source: string;
  target: string;
  readOnly?: boolean;
}

/** Of what the host has, or of memory (`source` null). */
export function volume(
  value: unknown,
  tell: Tell,
): Volume | { source: null; target: string } | null {
  if (isObject(value)) return longVolume(value, tell);
  const parts = (scalar(value) ?? '').split(':');
  const [source = '', target, mode = '', ...rest] = parts;
  const usable = source !== '' && !source.startsWith('~') && target?.startsWith('/') === true;
  if (!usable || rest.length > 0) {
    tell('not taken over: expected SOURCE:TARGET[:ro] (the image itself makes unnamed volumes)');
    return null;
  }
  const options = mode.split(',').filter((option) => option !== '' && option !== 'rw');
  const others = options.filter((option) => option !== 'ro');
  if (others.length > 0) tell(`the option ${others.join(',')} is not taken over`);
  return { source, target, ...(options.includes('ro') ? { readOnly: true } : {}) };
}

function longVolume(value: Record<string, unknown>, tell: Tell): ReturnType<typeof volume> {
  const { type, source, target, read_only: readOnly, ...others } = value;
  const [from, to] = [scalar(source), scalar(target)];
  const more = Object.keys(others);
  if (more.length > 0) tell(`${more.join(', ')} of this volume is not taken over`);
  if (to?.startsWith('/') && type === 'tmpfs') return { source: null, target: to };
  if (!to?.startsWith('/') || from === null || !['bind', 'volume'].includes(String(type))) {
    tell('not taken over: expected a bind or volume with source and target');
    return null;
  }
  return { source: from, target: to, ...(readOnly === true ? { readOnly: true } : {}) };
}

export function ulimits(value: unknown, tell: Tell): Record<string, string> {
  const made: Record<string, string> = {};
  for (const [name, limit] of Object.entries(isObject(value) ? value : {})) {
    const { soft, hard } = isObject(limit) ? limit : { soft: limit, hard: undefined };
    const text = [soft, hard].flatMap((one) => scalar(one) ?? []).join(':');
    if (/^\d+(?::\d+)?$/.test(text)) made[name] = text;
    else tell(`${name} is not taken over: expected numbers`);
  }
  return made;
}

/** null: there is none, by its own word. */
export function healthcheck(value: unknown, tell: Tell): string[] | null | undefined {
  if (!isObject(value)) {
    tell('not taken over');
    return undefined;
  }
  const { test, disable } = value;
  if (disable === true) return null;
  if (typeof test === 'string') return ['/bin/sh', '-c', test];
  const [kind, ...command] = Array.isArray(test) ? test.map((word) => scalar(word) ?? '') : [];
  if (kind === 'NONE') return null;
  if (kind === 'CMD' && command.length > 0) return command;
  if (kind === 'CMD-SHELL' && command.length === 1) return ['/bin/sh', '-c', command[0] ?? ''];
  if (test !== undefined) tell('not taken over: expected CMD, CMD-SHELL or NONE');
  return undefined;
}
