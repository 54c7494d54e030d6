/** Numbers, times and names as the page writes them: the same everywhere, whatever the locale. */

/** 1,234,567 */
export function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Two digits that mean something: 0.031, 4.2, 310. */
export function figure(value: number): string {
  if (value >= 100) return number(value);
  if (value === 0) return '0';
  // Never 1e-7: as many places as two digits need.
  const places = Math.max(0, 1 - Math.floor(Math.log10(value)));
  return value.toFixed(Math.min(places, 12));
}

/** "350 ms", "12.4 s", "3 min 20 s", "5 h 12 min", "2 d 4 h" */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of units.slice(first, first + 2)) {
    const of = Math.floor(rest / size);
    rest -= of * size;
    if (of > 0) parts.push(`${of} ${unit}`);
  }
  return parts.join(' ');
}

/** "2025-01-31 08:00:00 UTC" */
export function instant(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? iso
    : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Long text is cut, and says so: beginnings and ends tell most. */
export function cut(text: string, limit: number): string {
  const characters = [...text];
  if (characters.length <= limit) return text;
  const tail = Math.floor(limit / 4);
  const head = limit - tail;
  const left = number(characters.length - limit);
  return `${characters.slice(0, head).join('')} […${left} characters…] ${characters.slice(-tail).join('')}`;
}

/** So that one name in a list cannot pass for two. */
export function told(name: string): string {
  return /^[\w./+@:~=-]+$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}

/** Of each path the shortest end that no other one has, whole names only. */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split('/'));
  const uses = new Map<string, number>();
  const ends = parts.map((names) => names.map((_, at) => names.slice(-at - 1).join('/')));
  for (const end of ends.flat()) uses.set(end, (uses.get(end) ?? 0) + 1);
  return paths.map((path, at) => {
    const end = ends[at]?.find((one) => one !== '' && uses.get(one) === 1) ?? path;
    return told(cut(end, 48));
  });
}
