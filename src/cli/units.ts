/** Times and sizes as the command line takes them. */
import { InvalidArgumentError } from 'commander';

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match === null ? Number.NaN : Number(match[1]) * (MILLISECONDS[match[2] ?? 's'] ?? 0);
  if (!(ms >= 1 && ms <= 0x7fffffff)) {
    throw new InvalidArgumentError('expected a time such as 90s, 10m or 2h, at most 24 days');
  }
  return ms;
}

const BYTES: Record<string, number> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Bytes: digits, and K, M or G. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12})([KMG])?(?:i?B)?$/i.exec(text);
  const bytes =
    match === null ? Number.NaN : Number(match[1]) * (BYTES[(match[2] ?? '').toUpperCase()] ?? 1);
  if (!(bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER)) {
    throw new InvalidArgumentError('expected a size such as 64M');
  }
  return bytes;
}
