/** Charts as inline SVG. What they show stands in tables beside them, too. */
import type { Discovery } from '../types';
import { type Html, html } from './html';
import { count, duration, number } from './words';

const WIDTH = 560;
const HEIGHT = 250;
const LEFT = 48;
const RIGHT = 16;
const TOP = 20;
const BOTTOM = 50;
const right = WIDTH - RIGHT;
const bottom = HEIGHT - BOTTOM;

/** SVG needs no more than a tenth. */
const at = (value: number) => Math.round(value * 10) / 10;

const STEPS = [1, 2, 5];

/** From 0 to `greatest` or just beyond, at most `parts` steps of 1, 2 or 5. */
function ticks(greatest: number, parts: number): number[] {
  let power = 1;
  for (;;) {
    for (const step of STEPS) {
      const size = step * power;
      const needed = Math.ceil(greatest / size);
      if (needed <= parts)
        return Array.from({ length: Math.max(1, needed) + 1 }, (_, n) => n * size);
    }
    power *= 10;
  }
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIMES = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 100, 365, 1000, 10_000].map((n) => n * DAY),
];

/** Within the total. */
function timeTicks(total: number): number[] {
  const size = TIMES.find((one) => total / one <= 6) ?? total;
  return Array.from({ length: Math.floor(total / size) + 1 }, (_, n) => n * size);
}

function shortTime(ms: number): string {
  return ms === 0 ? '0' : duration(ms).replace(/\.0 s$/, ' s');
}

function lines(values: readonly number[], y: (value: number) => number): Html[] {
  return values.map(
    (value) =>
      html`<line class="${value === 0 ? 'axis' : 'grid'}" x1="${LEFT}" x2="${right}" y1="${at(y(value))}" y2="${at(y(value))}"/><text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${number(value)}</text>`,
  );
}

function anchor(x: number): string {
  return x > right - 24 ? 'end' : 'middle';
}

/** Beyond this many, where runs begin and end is no longer drawn. */
const RUNS_MARKED = 40;

export function curve({ curve: points, totalMs, runs, reached }: Discovery): Html {
  const most = points.at(-1)?.calls ?? 0;
  const rows = ticks(most, 5);
  const top = rows.at(-1) ?? 1;
  const x = (ms: number) => LEFT + (totalMs === 0 ? 0 : (ms / totalMs) * (right - LEFT));
  const y = (calls: number) => bottom - (calls / top) * (bottom - TOP);
  const steps = points.map(({ atMs, calls }) => `H${at(x(atMs))}V${at(y(calls))}`).join('');
  const line = `M${LEFT} ${bottom}${steps}H${right}`;
  let begin = 0;
  const begins = runs.map(({ durationMs }) => {
    begin += durationMs;
    return begin - durationMs;
  });
  const marks = runs.length > RUNS_MARKED ? [] : begins.slice(1);
  const all = reached.at(-1);
  const said =
    all === undefined
      ? 'No call was made.'
      : `${count(all.calls, 'call')} in ${duration(totalMs)}; ${reached
          .map(({ percent, atMs }) => `${percent} % after ${duration(atMs)}`)
          .join(', ')}.`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="curve-title curve-desc"><title id="curve-title">Distinct calls over the recorded time</title><desc id="curve-desc">${said}</desc>
${lines(rows, y)}${marks.map((ms) => html`<line class="run" x1="${at(x(ms))}" x2="${at(x(ms))}" y1="${TOP}" y2="${bottom}"/>`)}
<path class="area" d="${line}V${bottom}Z"/><path class="curve" d="${line}"/>
${timeTicks(totalMs).map((ms) => html`<text x="${at(x(ms))}" y="${bottom + 20}" text-anchor="${anchor(x(ms))}">${shortTime(ms)}</text>`)}
<text x="${at((LEFT + right) / 2)}" y="${HEIGHT - 6}" text-anchor="middle">recorded time${runs.length > 1 ? ', the runs one after another' : ''}</text></svg>`;
}

const BARS = 40;

/** At most so many: several runs share a bar where there are more. */
function bars(runs: Discovery['runs']): { label: string; calls: number }[] {
  const size = Math.ceil(runs.length / BARS);
  return Array.from({ length: Math.ceil(runs.length / size) }, (_, n) => {
    const some = runs.slice(n * size, (n + 1) * size);
    return {
      label: String(n * size + 1),
      calls: some.reduce((sum, { newCalls }) => sum + newCalls, 0),
    };
  });
}

export function perRun({ runs }: Discovery): Html {
  const all = bars(runs);
  const rows = ticks(Math.max(1, ...all.map(({ calls }) => calls)), 5);
  const top = rows.at(-1) ?? 1;
  const y = (calls: number) => bottom - (calls / top) * (bottom - TOP);
  const slot = (right - LEFT) / all.length;
  const width = Math.min(36, slot * 0.7);
  const middle = (n: number) => LEFT + slot * (n + 0.5);
  const every = Math.ceil(all.length / 12);
  const values = all.length <= 12;
  const quiet = all.filter(({ calls }) => calls === 0).length;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="runs-title runs-desc"><title id="runs-title">New calls by run</title><desc id="runs-desc">${`${count(runs.length, 'run')}: ${all
    .slice(0, 8)
    .map(({ calls }) => calls)
    .join(', ')}${all.length > 8 ? ' and so on' : ''}; ${quiet} without a new call.`}</desc>
${lines(rows, y)}${all.map(({ calls }, n) => html`<rect class="bar" x="${at(middle(n) - width / 2)}" y="${at(y(calls))}" width="${at(width)}" height="${at(bottom - y(calls))}"/>${values && html`<text x="${at(middle(n))}" y="${at(y(calls) - 4)}" text-anchor="middle">${calls}</text>`}`)}
${all.map(({ label }, n) => n % every === 0 && html`<text x="${at(middle(n))}" y="${bottom + 20}" text-anchor="middle">${label}</text>`)}
<text x="${at((LEFT + right) / 2)}" y="${HEIGHT - 6}" text-anchor="middle">run, in the order they began</text></svg>`;
}

/** How much of a whole, as a bar. Its number stands beside it. */
export function bar(part: number, whole: number, kind: 'bar' | 'rest'): Html {
  const width = whole === 0 ? 0 : at((part / whole) * 300);
  return html`<svg viewBox="0 0 300 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="ground" width="300" height="10"/><rect class="${kind}" width="${width}" height="10"/></svg>`;
}
