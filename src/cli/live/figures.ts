/** What a run is doing, out of one reading after another. No I/O. */
import type { Progress } from '../../capture/capture';
import { syscallName } from '../../tables';

/** A rate over less jumps, over more is late. */
const WINDOW_MS = 2_000;

export interface Figures {
  readonly progress: Progress;
  /** Calls a second, lately; null: too early to say. */
  readonly rate: number | null;
  /** Since a call or a tuple of tracked arguments was last new. */
  readonly quietMs: number;
}

/** Of one run: a run that begins anew has figures of its own. */
export class Meter {
  private readonly readings: { atMs: number; calls: bigint }[] = [];
  private known = '';
  private newMs = 0;

  update(progress: Progress): Figures {
    const { elapsedMs, calls, distinct, tuples } = progress;
    const now = `${distinct} ${tuples}`;
    if (now !== this.known) this.newMs = elapsedMs;
    this.known = now;
    const { readings } = this;
    readings.push({ atMs: elapsedMs, calls });
    while (readings.length > 2 && (readings[1]?.atMs ?? 0) <= elapsedMs - WINDOW_MS) {
      readings.shift();
    }
    const [oldest] = readings;
    const spanMs = elapsedMs - (oldest?.atMs ?? elapsedMs);
    const rate =
      oldest === undefined || spanMs < WINDOW_MS / 4
        ? null
        : (Number(calls - oldest.calls) * 1000) / spanMs;
    return { progress, rate, quietMs: elapsedMs - this.newMs };
  }
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (minutes >= 60) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return minutes > 0 ? `${minutes}m${two(seconds % 60)}s` : `${seconds}s`;
}

export function figure(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function counted(count: number | bigint, noun: string): string {
  return `${figure(count)} ${noun}${BigInt(count) === 1n ? '' : 's'}`;
}

/** "12,480"; below ten a call more or less is seen. */
export function rateText(rate: number | null): string {
  if (rate === null) return '-';
  return rate > 0 && rate < 10 ? rate.toFixed(1) : figure(Math.round(rate));
}

/** "openat2 by /usr/sbin/nginx"; holds untrusted text. */
export function newestText({ newest }: Progress): string {
  if (newest === null) return 'no call so far';
  const { abi, number, executable } = newest;
  const name = syscallName(abi, number) ?? `#${number}`;
  const call = abi === 'x86_64' ? name : `${abi} ${name}`;
  return executable === '' ? call : `${call} by ${executable}`;
}

const LOSSES = [
  ['calls', 'call lost', 'calls lost'],
  ['tasks', 'task over the limit', 'tasks over the limit'],
  ['namespaces', 'namespace not watched', 'namespaces not watched'],
  ['cgroups', 'cgroup not watched', 'cgroups not watched'],
] as const;

/** Why the recording would not be complete, were it to end now. `late`: it ran before. */
export function troubles({ lost, starts }: Progress, late: boolean): string[] {
  const losses = LOSSES.flatMap(([field, one, many]) =>
    lost[field] > 0n ? [`${figure(lost[field])} ${lost[field] === 1n ? one : many}`] : [],
  );
  return [
    ...(losses.length > 0 ? [`NOT complete: ${losses.join(', ')}`] : []),
    ...(late && starts === 0 ? ['attached late: no start of it was seen so far'] : []),
  ];
}
