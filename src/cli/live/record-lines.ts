/** The live view of one recording. No I/O. */

import { styled } from '../terminal';
import { counted, duration, type Figures, figure, newestText, rateText, troubles } from './figures';
import { cutPath, cutTo, type Layout, NARROW, title } from './lines';

export interface RecordState {
  /** What is recorded; untrusted text included. */
  readonly what: string;
  readonly figures: Figures;
  /** It ran before the tracer was armed. */
  readonly late: boolean;
  /** After which it ends; null: it does not end by itself. */
  readonly durationMs: number | null;
  /** After how long without anything new it ends; null: never for that. */
  readonly stableMs: number | null;
}

const LABEL = 12;

function elapsed({ figures, durationMs }: RecordState): string {
  const now = duration(figures.progress.elapsedMs);
  return durationMs === null ? now : `${now} of ${duration(durationMs)}`;
}

function quiet({ figures, stableMs }: RecordState): string {
  if (figures.progress.distinct === 0) return 'waiting for a first call';
  const { quietMs } = figures;
  if (stableMs !== null) return `nothing new for ${duration(quietMs)} of ${duration(stableMs)}`;
  return quietMs < 1000 ? 'something new just now' : `nothing new for ${duration(quietMs)}`;
}

function distinct({ progress }: Figures, room: number): string {
  const { distinct: calls, tuples, executables } = progress;
  const head = `${counted(calls, 'call')}, ${counted(executables, 'executable')}, `;
  const whole = head + counted(tuples, 'argument tuple');
  return whole.length <= room ? whole : head + counted(tuples, 'tuple');
}

function total({ progress }: Figures): string {
  const { calls, denied } = progress;
  return `${counted(calls, 'call')}${denied > 0n ? `, ${figure(denied)} denied` : ''}`;
}

function newest({ progress }: Figures): string {
  const { newest: call, elapsedMs } = progress;
  const ago = call === null ? '' : `, ${duration(Math.max(0, elapsedMs - call.atMs))} ago`;
  return `${newestText(progress)}${ago}`;
}

export function recordLines(state: RecordState, layout: Layout): string[] {
  const { figures, what, late } = state;
  const { columns, screen } = layout;
  const trouble = troubles(figures.progress, late).map((text) =>
    styled(cutTo(`${columns < NARROW ? '' : ' '}! ${text}`, columns), 'yellow', screen),
  );
  if (columns < NARROW) {
    return [
      styled(cutTo(`${elapsed(state)} ${what}`, columns), 'bold', screen),
      cutTo(`${rateText(figures.rate)}/s, ${figures.progress.distinct} distinct`, columns),
      cutPath(newestText(figures.progress), columns),
      cutTo(quiet(state), columns),
      ...trouble,
    ];
  }
  const room = columns - LABEL;
  const row = (label: string, text: string): string => ` ${label.padEnd(LABEL - 1)}${text}`;
  const rate = `${rateText(figures.rate)} calls/s`.padEnd(15);
  return [
    title(`recording ${what}`, elapsed(state), layout),
    row('rate', cutTo(`${rate} ${total(figures)}`, room)),
    row('distinct', cutTo(distinct(figures, room), room)),
    row('newest', cutPath(newest(figures), room)),
    row('saturation', cutTo(`1 run, ${quiet(state)}`, room)),
    ...trouble,
  ];
}

/** For a log: what is new since the last such line, which differs by this. */
export function recordKey({ figures: { progress }, late }: RecordState): string {
  return JSON.stringify([progress.distinct, progress.tuples, troubles(progress, late)]);
}

export function recordLine(state: RecordState): string {
  const { figures, late } = state;
  return [
    `${elapsed(state)}: ${total(figures)} (${rateText(figures.rate)}/s), ${figures.progress.distinct} distinct`,
    `newest ${newestText(figures.progress)}`,
    ...troubles(figures.progress, late),
  ].join('; ');
}
