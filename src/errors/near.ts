/** Names that were probably meant. */

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

/** Those of `known` that `name` may stand for, the nearest first, at most `limit`. */
export function nearest(name: string, known: readonly string[], limit = 3): string[] {
  if (name === '' || name.length > LONGEST) return [];
  const lower = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(lower.length / 3));
  return [...new Set(known)]
    .map((option) => {
      const plain = option.toLowerCase();
      return { option, far: plain.startsWith(lower) ? 1 : edits(lower, plain) };
    })
    .filter(({ far }) => far <= allowed)
    .sort((a, b) => a.far - b.far || (a.option < b.option ? -1 : 1))
    .slice(0, limit)
    .map(({ option }) => option);
}
