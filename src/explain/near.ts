/** Names that were probably meant. */
import { SysieveError } from '../errors';
import { ABIS, names } from '../tables';

/** Edits that make `a` into `b`: a letter more, less, another, or two changed over. */
function edits(a: string, b: string): number {
  let older: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        (row[j - 1] as number) + 1,
        (before[j] as number) + 1,
        (before[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (older[j - 2] as number) + 1);
      }
      row.push(least);
    }
    older = before;
    before = row;
  }
  return before[b.length] as number;
}

const LONGEST = 64;

/** The nearest first, at most `limit`. */
export function nearNames(name: string, limit = 3): string[] {
  if (name === '' || name.length > LONGEST) return [];
  const lower = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(lower.length / 3));
  return [...new Set(ABIS.flatMap((abi) => names(abi)))]
    .map((known) => ({ known, far: known.startsWith(lower) ? 1 : edits(lower, known) }))
    .filter(({ far }) => far <= allowed)
    .sort((a, b) => a.far - b.far || (a.known < b.known ? -1 : 1))
    .slice(0, limit)
    .map(({ known }) => known);
}

export function unknownCall(name: string): SysieveError {
  const near = nearNames(name);
  return new SysieveError(
    'input',
    'call-unknown',
    `there is no system call ${JSON.stringify(name)}`,
    {
      remedy:
        near.length === 0
          ? 'Give the name of a system call, such as openat.'
          : `Did you mean ${near.join(' or ')}?`,
    },
  );
}
