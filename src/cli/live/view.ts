/** When a live view is drawn, where, and how it ends. */
import type { WriteStream } from 'node:tty';
import { inBackground } from '../signals';
import { printable } from '../terminal';
import { Block, ROWS_ABOVE } from './block';
import type { Layout } from './lines';

const FRAME_MS = 500;
const LOG_MS = 10_000;

export interface Shown {
  /** Null: nothing to show yet. */
  lines(layout: Layout): readonly string[] | null;
  /** For a log: lines, each with a key that changes when it is worth another one. */
  log(): readonly { key: string; of: string; text: string }[];
}

export type Mode = 'live' | 'log' | 'none';

/** Lines rewritten in place are for people who watch a terminal. */
export function modeOf(
  stream: { isTTY?: boolean },
  quiet: boolean,
  env: NodeJS.ProcessEnv = process.env,
): Mode {
  if (quiet) return 'none';
  const ci = (env.CI ?? '') !== '' && env.CI !== 'false';
  return stream.isTTY === true && !ci && env.TERM !== 'dumb' && (env.TERM ?? '') !== ''
    ? 'live'
    : 'log';
}

export interface ViewOptions {
  readonly mode: Mode;
  /** A command has the same terminal. */
  readonly shared: boolean;
}

/** Reads nothing of the recording itself: it shows what was last read. */
export class View {
  private readonly block: Block;
  private timer: NodeJS.Timeout | undefined;
  private next: NodeJS.Immediate | undefined;
  private readonly told = new Map<string, string>();

  constructor(
    private readonly stream: WriteStream,
    private readonly shown: Shown,
    private readonly options: ViewOptions,
  ) {
    this.block = new Block((text) => stream.write(text), options.shared);
  }

  start(): void {
    const { mode } = this.options;
    if (mode === 'none' || this.timer !== undefined) return;
    const everyMs = mode === 'live' ? FRAME_MS : LOG_MS;
    this.timer = setInterval(mode === 'live' ? this.soon : this.tell, everyMs);
    this.timer.unref();
    if (mode !== 'live') return;
    this.stream.on('resize', this.frame);
    process.on('SIGTSTP', this.pause);
    process.on('SIGQUIT', this.quit);
    // Whatever ends the process without a word: an error nobody caught, process.exit.
    process.on('exit', this.leave);
  }

  /** The terminal is as it was. Idempotent. */
  end(): void {
    clearInterval(this.timer);
    clearImmediate(this.next);
    this.timer = undefined;
    this.stream.off('resize', this.frame);
    process.off('SIGTSTP', this.pause);
    process.off('SIGQUIT', this.quit);
    process.off('exit', this.leave);
    this.block.leave();
  }

  private readonly leave = (): void => this.block.leave();

  /** Signals come first: a size that has changed must be known, or lines are written over others. */
  private readonly soon = (): void => {
    this.next = setImmediate(this.frame);
  };

  private readonly frame = (): void => {
    // In the background (`&`, or Ctrl-Z and bg) the terminal is the shell's.
    if (inBackground()) {
      this.leave();
      return;
    }
    // A terminal that does not tell its size (a serial line) has 0 of both.
    const rows = this.stream.rows || 24;
    const columns = this.stream.columns || 80;
    // The last column stays free: a terminal may wrap what is written there.
    const room = { columns: Math.max(1, columns - 1), rows: rows - ROWS_ABOVE };
    const lines = this.shown.lines({ ...room, screen: this.stream });
    if (lines !== null) this.block.draw(lines, { rows, columns });
  };

  private readonly tell = (): void => {
    for (const { key, of, text } of this.shown.log()) {
      if (this.told.get(of) === key) continue;
      this.told.set(of, key);
      this.stream.write(`${printable(text)}\n`);
    }
  };

  /** Ctrl-Z; the next frame after SIGCONT shows it again. */
  private readonly pause = (): void => {
    this.leave();
    process.kill(process.pid, 'SIGSTOP');
  };

  /** As without this, but for the terminal. */
  private readonly quit = (): void => {
    this.end();
    process.kill(process.pid, 'SIGQUIT');
  };
}
