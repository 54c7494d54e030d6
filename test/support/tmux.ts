/** A terminal to run something in and look at: a tmux of its own, with one pane. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './recorder';

export interface Terminal {
  /** What stands on the screen. */
  screen(): string[];
  /** And what has scrolled out of it; a line that did not fit, and was wrapped by the terminal, is one. */
  lines(): string[];
  /** Waits for the screen to show it. */
  shows(what: RegExp, timeoutMs?: number): Promise<void>;
  keys(...keys: string[]): void;
  resize(columns: number, rows: number): void;
  /** Whether the cursor is shown, and the whole screen scrolls. */
  restored(): boolean;
  /** All that was sent to it, byte for byte. */
  sent(): string;
  /** Of what was started in it. */
  pid(): number;
  close(): void;
}

/** `command` for a shell; its status is printed as "status N" when it has ended. */
export function startTerminal(
  dir: string,
  command: string,
  {
    columns = 80,
    rows = 24,
    env = {},
  }: { columns?: number; rows?: number; env?: NodeJS.ProcessEnv } = {},
): Terminal {
  const socket = join(dir, `tmux-${process.hrtime.bigint()}`);
  const log = `${socket}.log`;
  const pid = `${socket}.pid`;
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      // What a test runs in must not decide.
      env: { ...process.env, CI: '', NO_COLOR: '1', ...env },
    });
  // The pane is read before anything is written to it.
  const script = `trap : INT; read -r _; sh -c 'echo $$ > ${pid}; exec "$@"' sh ${command}; echo status $?; read -r _`;
  tmux(
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-c',
    dir,
    `exec sh -c '${script.replaceAll("'", `'\\''`)}'`,
  );
  tmux('pipe-pane', '-o', `cat > ${log}`);
  tmux('send-keys', 'Enter');
  const captured = (...args: string[]): string[] =>
    tmux('capture-pane', '-p', ...args)
      .split('\n')
      .slice(0, -1);
  const screen = (): string[] => captured();
  return {
    screen,
    lines: () => captured('-J', '-S', '-').map((line) => line.trimEnd()),
    shows: (what, timeoutMs) =>
      eventually(`the screen shows ${what}`, () => what.test(screen().join('\n')), timeoutMs).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${screen().join('\n')}`);
        },
      ),
    keys: (...keys) => tmux('send-keys', ...keys),
    resize: (width, height) =>
      void tmux('resize-window', '-x', String(width), '-y', String(height)),
    restored: () =>
      tmux(
        'display',
        '-p',
        '#{cursor_flag} #{scroll_region_upper} #{scroll_region_lower} #{pane_height}',
      )
        .trim()
        .replace(/^1 0 (\d+) (\d+)$/, (_, lower, height) =>
          String(Number(lower) + 1 === Number(height)),
        ) === 'true',
    sent: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    pid: () => Number(readFileSync(pid, 'utf8')),
    close: () => {
      try {
        tmux('kill-server');
      } catch {
        // It has ended by itself.
      }
    },
  };
}
