/** What `export` and `import` share: formats by name, each with the options that it reads. */
import type { Option } from 'commander';
import { SysieveError } from '../errors';
import { stdinTwice, stdoutTwice } from './streams';

interface Format {
  readonly summary: string;
  readonly reads: readonly string[];
  readonly several: boolean;
}

export interface FormatFlags {
  output: string;
  json?: true;
}

/** `flag`: --to or --from. */
export function formatNamed<F extends Format>(
  formats: ReadonlyMap<string, F>,
  flag: string,
  name: string,
): F {
  const format = formats.get(name);
  if (format !== undefined) return format;
  throw new SysieveError('usage', 'usage', `${flag} ${JSON.stringify(name)}: no such format`, {
    remedy: `Give one of ${[...formats.keys()].join(', ')}.`,
  });
}

/** Of `options`, those given. Throws for one that the format does not read: it would go by in silence. */
export function optionsGiven(
  format: Format,
  options: readonly Option[],
  flags: object,
  named: string,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const option of options) {
    const key = option.attributeName();
    const value = (flags as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (!format.reads.includes(key)) {
      throw new SysieveError('usage', 'usage', `${option.long} has no meaning with ${named}`);
    }
    given[key] = value;
  }
  return given;
}

export function checkUsage(
  paths: readonly string[],
  format: Format,
  flags: FormatFlags,
  named: string,
): void {
  if (paths.length > 1 && !format.several) {
    throw new SysieveError('usage', 'usage', `${named} takes one file at a time`);
  }
  if (paths.filter((path) => path === '-').length > 1) {
    throw stdinTwice();
  }
  if (flags.output === '-' && flags.json) {
    throw stdoutTwice();
  }
}

export function formatsHelp(
  formats: ReadonlyMap<string, Format>,
  options: readonly Option[],
): string {
  const lines = [...formats].map(([name, { summary, reads }]) => {
    const flags = options
      .filter((option) => reads.includes(option.attributeName()))
      .map(({ long }) => long);
    const read = flags.length === 0 ? '' : `\n${' '.repeat(16)}${flags.join(' ')}`;
    return `  ${name.padEnd(14)}${summary}${read}`;
  });
  return `\nFormats, and the options that each reads:\n${lines.join('\n')}`;
}
