/** The live view of several apps that are recorded side by side. No I/O. */
import { styled } from '../terminal';
import { counted, duration, type Figures, newestText, rateText, troubles } from './figures';
import { cutPath, cutTo, type Layout, NARROW, padded, paddedStart, title } from './lines';

export interface AppState {
  readonly name: string;
  /** What it is doing, in words; null: it waits for its turn. */
  readonly stage: string | null;
  /** Of the run under way; null: there is none. */
  readonly figures: Figures | null;
  /** Runs that have ended. */
  readonly runs: number;
  /** How much of it was seen, in words; null: too few runs to say. */
  readonly saturation: string | null;
  readonly done: boolean;
}

export interface AppsState {
  /** The command: "profile". */
  readonly command: string;
  readonly elapsedMs: number;
  readonly apps: readonly AppState[];
}

/** A terminal narrower than this has no room for how long nothing was new. */
const WIDE = 100;
const MAX_NAME = 16;

function runsText({ runs, saturation, figures }: AppState): string | null {
  if (saturation !== null) return saturation;
  if (figures === null) return null;
  const before = runs === 0 ? 'first run' : `${counted(runs, 'run')} done`;
  return `${before}, nothing new for ${duration(figures.quietMs)}`;
}

function figuresText({ progress, rate, quietMs }: Figures, columns: number): string {
  const cells = [
    paddedStart(`${rateText(rate)}/s`, 11),
    paddedStart(counted(progress.distinct, 'call'), 10),
    ...(columns < WIDE ? [] : [paddedStart(`quiet ${duration(quietMs)}`, 14)]),
  ];
  return cells.join('');
}

/** First the line that says what it is doing, then those that may be left out. */
function appLines(app: AppState, width: number, { columns, screen }: Layout): string[] {
  const { name, stage, figures, done } = app;
  const margin = columns < NARROW ? '' : ' ';
  const head = `${margin}${padded(name, width)} `;
  const hanging = columns < NARROW ? '  ' : ' '.repeat(width + 2);
  const room = columns - width - margin.length - 1;
  if (figures === null || done) return [`${head}${cutTo(stage ?? 'waiting', room)}`];
  const trouble = troubles(figures.progress, false).map((text) =>
    styled(cutTo(`${hanging}! ${text}`, columns), 'yellow', screen),
  );
  const inner = columns - hanging.length;
  const figured = figuresText(figures, columns);
  const lines =
    columns < NARROW
      ? [`${head}${cutTo(stage ?? '', room)}`, `${hanging}${cutTo(figured.trim(), inner)}`]
      : [`${head}${padded(stage ?? '', Math.max(0, room - figured.length))}${figured}`];
  const runs = runsText(app);
  return [
    ...lines,
    ...trouble,
    `${hanging}${cutPath(newestText(figures.progress), inner)}`,
    ...(runs === null ? [] : [`${hanging}${cutTo(runs, inner)}`]),
  ];
}

/** The apps that are at work, each with as many lines as all can have; then the others, if they fit. */
export function appsLines({ command, elapsedMs, apps }: AppsState, layout: Layout): string[] {
  const done = apps.filter((app) => app.done).length;
  const head = `${command}: ${counted(apps.length, 'app')}, ${done} done`;
  const width = Math.min(
    MAX_NAME,
    Math.max(8, Math.floor(layout.columns / 6)),
    Math.max(...apps.map(({ name }) => name.length)),
  );
  const first =
    layout.columns < NARROW
      ? styled(cutTo(`${duration(elapsedMs)} ${head}`, layout.columns), 'bold', layout.screen)
      : title(head, duration(elapsedMs), layout);
  const room = layout.rows - 1;
  const all = apps.map((app) => ({ app, lines: appLines(app, width, layout) }));
  const atWork = all.filter(({ app }) => app.stage !== null && !app.done);
  for (let most = 4; most > 1; most--) {
    const lines = all.flatMap((one) => one.lines.slice(0, most));
    if (lines.length <= room) return [first, ...lines];
  }
  const waiting = all.length - atWork.length - done;
  const rest = ` ${done} done, ${waiting} waiting`;
  for (let most = 4; most > 0; most--) {
    const lines = atWork.flatMap((one) => one.lines.slice(0, most));
    if (lines.length < room || most === 1) {
      return [first, ...lines, cutTo(rest, layout.columns)].slice(0, Math.max(1, layout.rows));
    }
  }
  return [first];
}
