/** The status of a running recording on stderr: one line rewritten in place, or nothing at all. */
import type { WriteStream } from 'node:tty';
import type { Progress } from '../capture/capture';

const FRAME_MS = 250;

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m${String(seconds % 60).padStart(2, '0')}s` : `${seconds}s`;
}

/** elapsed, calls, distinct calls, seconds since the last new one */
export function statusText(progress: Progress): string {
  const quiet = Math.floor(progress.quietMs / 1000);
  return `${duration(progress.elapsedMs)}  ${progress.calls} calls  ${progress.distinct} distinct  newest ${quiet}s ago`;
}

export class LiveLine {
  private shown = false;
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly stream: WriteStream) {}

  update(progress: Progress): void {
    this.show(progress.elapsedMs, statusText(progress));
  }

  show(elapsedMs: number, text: string): void {
    if (!this.stream.isTTY || elapsedMs - this.lastMs < FRAME_MS) return;
    this.lastMs = elapsedMs;
    const cut = text.slice(0, Math.max(0, (this.stream.columns ?? 80) - 1));
    this.stream.write(`\r${cut}\u001b[K`);
    this.shown = true;
  }

  /** Removes the line, so that other output starts on a clean one. */
  clear(): void {
    if (this.shown) this.stream.write('\r\u001b[K');
    this.shown = false;
  }
}
