/** `sysieve sessions`: recordings without a process. */
import type { Command } from 'commander';
import { listSessions, MAX_SESSIONS, pruneSessions, type SessionInfo } from '../capture/detached';
import { emit, emitJson, say } from './output';
import { printable } from './terminal';

interface Options {
  json?: true;
  prune?: true;
}

export function register(program: Command): void {
  program
    .command('sessions')
    .summary('list the recordings that go on without a process')
    .description(
      'Lists what record --detach of this user has made: id, state, age, calls so far, distinct ones,\n' +
        'kernel memory, target. States: running; idle (no task lives, it may start again); target-gone\n' +
        '(to be stopped and kept); arming; half-made (killed while it was started) and stale (nothing\n' +
        'is left of it), which --prune removes; foreign (made by a sysieve that writes otherwise).\n' +
        `At most ${MAX_SESSIONS} of a user.`,
    )
    .option('--prune', 'remove those that are half-made or stale; recordings are never removed')
    .option('--json', 'print it as JSON')
    .action(async ({ json, prune }: Options) => {
      const pruned = prune === true ? await pruneSessions() : [];
      const sessions = await listSessions();
      if (json === true) {
        await emitJson({ version: 1, limit: MAX_SESSIONS, pruned, sessions: sessions.map(toJson) });
        return;
      }
      for (const id of pruned) say(`removed what was left of session ${printable(id)}`);
      if (sessions.length === 0) say('no sessions');
      else await emit(table(sessions));
    });
}

/** Counts as numbers: exact below 2^53, which no machine reaches. */
function toJson(session: SessionInfo): Record<string, unknown> {
  return { ...session, calls: session.calls === null ? null : Number(session.calls) };
}

function age(ms: number | null): string {
  if (ms === null) return '-';
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function targetText({ target }: SessionInfo): string {
  if (target === null) return '-';
  const { kind, engine, name, id } = target;
  return printable([engine ?? kind, name ?? id ?? ''].join(' '));
}

function table(sessions: readonly SessionInfo[]): string {
  const rows = sessions.map((session) => [
    printable(session.id),
    session.state,
    age(session.ageMs),
    String(session.calls ?? '-'),
    String(session.distinct ?? '-'),
    session.memory === null ? '-' : `${(session.memory.bytes / 1024 / 1024).toFixed(1)} MiB`,
    targetText(session),
  ]);
  const all = [['SESSION', 'STATE', 'AGE', 'CALLS', 'DISTINCT', 'MEMORY', 'TARGET'], ...rows];
  const widths = (all[0] ?? []).map((_, at) =>
    Math.max(...all.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}
