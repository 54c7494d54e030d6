/** Denied calls in words and columns. Untrusted paths are in it. */
import { errnoText } from './denied-text';
import type { DeniedCall } from './types';

const SHOWN = 4;

function some(items: readonly string[]): string {
  const more = items.length > SHOWN ? ` and ${items.length - SHOWN} more` : '';
  return `${items.slice(0, SHOWN).join('; ')}${more}`;
}

/** Lines of one table: call, times, answer, executables, arguments. */
export function deniedTable(calls: readonly DeniedCall[]): string[] {
  const rows = [
    ['CALL', 'TIMES', 'ANSWER', 'BY', 'ARGUMENTS'],
    ...calls.map((call) => [
      `${call.abi === 'x86_64' ? '' : `${call.abi} `}${call.name ?? `#${call.number}`}`,
      String(call.count),
      Object.keys(call.errnos).map(errnoText).join(', '),
      some(call.executables) || 'an unknown executable',
      call.arguments === null ? '' : some(call.arguments),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((r) => r[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
