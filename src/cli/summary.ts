/** What a run says in a few lines. */
import { isSupplement, missing, restartOnly, unnamed } from '../minimise';
import type { Run } from '../recording';

export function summary(run: Run): string[] {
  const total = run.calls.reduce((sum, call) => sum + call.count, 0);
  const denied = run.calls.reduce((sum, call) => sum + call.denied.count, 0);
  const { completeness } = run;
  const lines = [
    `${total} calls, ${run.calls.length} distinct, ${run.executables.length} executable(s)` +
      (denied > 0 ? `, ${denied} denied` : ''),
  ];
  if (isSupplement(run)) return [...lines, outside(run)];
  if (completeness.complete) lines.push('complete: a start was seen and nothing was lost');
  else lines.push(`NOT complete: ${missing(run).join('; ')}`);
  for (const note of [restartOnly(run), unnamed(run)]) {
    if (note !== null) lines.push(`note: ${note}`);
  }
  return lines;
}

const NAMED = 40;

/** What a profile in complain mode did not permit. */
function outside({ calls }: Run): string {
  if (calls.length === 0) return 'nothing was called that the profile does not allow';
  const names = calls.map(({ abi, name, number }) => {
    const call = name ?? String(number);
    return abi === 'x86_64' ? call : `${abi} ${call}`;
  });
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `not allowed by the profile: ${names.slice(0, NAMED).join(', ')}${more}`;
}
