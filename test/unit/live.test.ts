/**
 * The live views, line for line, and what is sent to a terminal for them. After a change that is meant
 * to be seen, SYSIEVE_GOLDENS=write writes the files anew; look at them before committing.
 */
import { EventEmitter } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { WriteStream } from 'node:tty';
import fc from 'fast-check';
import { type Progress, progressOf } from '../../src/capture/capture';
import { WatchedApps } from '../../src/cli/live/apps';
import { type AppState, appsLines } from '../../src/cli/live/apps-lines';
import { Block } from '../../src/cli/live/block';
import { ShownContainers } from '../../src/cli/live/containers';
import { duration, figure, Meter, rateText, troubles } from '../../src/cli/live/figures';
import { cutPath, cutStart, cutTo } from '../../src/cli/live/lines';
import {
  type RecordState,
  recordKey,
  recordLine,
  recordLines,
} from '../../src/cli/live/record-lines';
import { modeOf, View } from '../../src/cli/live/view';
import { widthOf } from '../../src/render/layout';
import { screenAfter } from '../support/screen';

const GOLDENS = join(__dirname, '../../fixtures/terminal');

function expectGolden(name: string, lines: readonly string[]): void {
  const golden = join(GOLDENS, `${name}.txt`);
  const text = lines.map((line) => `${line}\n`).join('');
  if (process.env.SYSIEVE_GOLDENS === 'write') {
    mkdirSync(dirname(golden), { recursive: true });
    writeFileSync(golden, text);
  }
  expect(text).toBe(readFileSync(golden, 'utf8'));
}

function progress(some: Partial<Progress> = {}): Progress {
  const lost = { calls: 0n, tasks: 0n, namespaces: 0n, cgroups: 0n, executables: 0n, paths: 0n };
  return {
    elapsedMs: 724_000,
    calls: 9_123_456n,
    distinct: 87,
    tuples: 41,
    quietMs: 0,
    live: 3,
    starts: 1,
    denied: 0n,
    executables: 3,
    newest: { abi: 'x86_64', number: 437, executable: '/usr/sbin/nginx', atMs: 594_000 },
    ...some,
    lost: { ...lost, ...some.lost },
  };
}

const plain = (columns: number, rows = 20) => ({ columns: columns - 1, rows, screen: {} });

const RECORDS: readonly [name: string, state: RecordState][] = [
  [
    'record',
    {
      what: 'docker container web',
      figures: { progress: progress(), rate: 12_480.4, quietMs: 130_000 },
      late: false,
      durationMs: null,
      stableMs: null,
    },
  ],
  [
    'record-trouble',
    {
      what: 'docker container web',
      figures: {
        progress: progress({ denied: 1_204n, starts: 0, lost: { ...progress().lost, calls: 17n } }),
        rate: 3.24,
        quietMs: 400,
      },
      late: true,
      durationMs: 7_200_000,
      stableMs: 300_000,
    },
  ],
  [
    'record-hostile',
    {
      what: '/srv/\u001b[2J/日本語/\u202egrüße',
      figures: {
        progress: progress({
          newest: {
            abi: 'i386',
            number: 9_999,
            executable: `/opt/${'漢字'.repeat(30)}/a\u0301\u001b]0;title\u0007\n── recording`,
            atMs: 0,
          },
        }),
        rate: null,
        quietMs: 0,
      },
      late: false,
      durationMs: null,
      stableMs: null,
    },
  ],
];

describe.each(RECORDS)('%s', (name, state) => {
  it.each([120, 80, 50, 30])('at %i columns', (columns) => {
    const lines = recordLines(state, plain(columns));
    for (const line of lines) {
      expect(widthOf(line)).toBeLessThan(columns);
      expect(line).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
    expectGolden(`${name}-${columns}`, lines);
  });
});

const app = (name: string, some: Partial<AppState> = {}): AppState => ({
  name,
  stage: null,
  figures: null,
  runs: 0,
  saturation: null,
  done: false,
  ...some,
});

const APPS: readonly AppState[] = [
  app('web', {
    stage: 'recording run 4: workload, round 2',
    figures: { progress: progress(), rate: 12_480, quietMs: 12_000 },
    runs: 3,
    saturation:
      '3 runs, nothing new in the last 2; about 1 call likely unseen (95 %: 0 to 4); ' +
      'nothing points to unseen argument tuples (95 %: 0 to 2)',
  }),
  app('api-with-a-rather-long-name', {
    stage: 'recording run 1: running to its end',
    figures: {
      progress: progress({ distinct: 1, lost: { ...progress().lost, tasks: 1n } }),
      rate: 0,
      quietMs: 61_000,
    },
  }),
  app('db', { stage: 'done: the profile is as it was', done: true, runs: 2 }),
  app('queue'),
];

it.each([80, 30])('record --all at %i columns', (columns) => {
  const shown = new ShownContainers();
  expect(shown.lines(plain(columns))).toBeNull();
  shown.what = 'every docker container of the image web:1';
  shown.progress = { elapsedMs: 61_000, ended: 12, running: 3 };
  const lines = shown.lines(plain(columns)) ?? [];
  for (const line of lines) expect(widthOf(line)).toBeLessThan(columns);
  expectGolden(`record-all-${columns}`, lines);
  expect(shown.log()).toEqual([
    { of: '', key: '3 running, 12 ended', text: 'sysieve: 1m01s: 3 running, 12 ended' },
  ]);
});

it.each([120, 80, 50, 30])('profile with two apps in parallel at %i columns', (columns) => {
  const lines = appsLines({ command: 'profile', elapsedMs: 192_000, apps: APPS }, plain(columns));
  for (const line of lines) expect(widthOf(line)).toBeLessThan(columns);
  expectGolden(`profile-${columns}`, lines);
});

it.each([1, 2, 3, 4, 5, 7, 9, 30])('profile in %i rows', (rows) => {
  const many = [...APPS, ...Array.from({ length: 12 }, (_, at) => app(`other-${at}`))];
  const state = { command: 'profile', elapsedMs: 1, apps: many };
  const lines = appsLines(state, plain(80, rows));
  expect(lines.length).toBeLessThanOrEqual(rows);
  expect(lines[0]).toContain('profile: 16 apps, 1 done');
  if (rows > 3) {
    // Those at work first.
    expect(lines.filter((line) => /recording run \d/.test(line)).length).toBe(2);
  }
});

it('takes what the stages tell, a run after another', () => {
  const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const watched = new WatchedApps('profile', ['one', 'two']);
  const hooks = watched.hooks(new AbortController().signal);
  const text = () => watched.lines(plain(120)).join('\n');
  expect(text()).toMatch(/one +waiting\n two +waiting/);
  hooks.onStage('one', 'recording run 1: starting');
  hooks.onStage('two', 'recording run 1: starting');
  hooks.onProgress?.('one', progress({ elapsedMs: 1_000, calls: 100n, distinct: 5 }));
  hooks.onProgress?.('one', progress({ elapsedMs: 2_000, calls: 300n, distinct: 5 }));
  hooks.onProgress?.('two', progress({ elapsedMs: 1_000, calls: 10n, distinct: 1 }));
  expect(text()).toMatch(/one +recording run 1: starting +200\/s +5 calls +quiet 1s/);
  expect(text()).toMatch(/two +recording run 1: starting +-\/s +1 call /);
  expect(text()).toContain('first run, nothing new for 1s');
  hooks.onRun?.('one', [{} as never]);
  // A run that begins anew: its figures are its own.
  hooks.onProgress?.('one', progress({ elapsedMs: 100, calls: 1n, distinct: 1 }));
  expect(text()).toMatch(/one +recording run 1: starting +-\/s +1 call +quiet 0s/);
  expect(text()).toContain('1 run done, nothing new for 0s');
  watched.done('one', 'done: a profile where there was none');
  expect(text()).toMatch(/2 apps, 1 done/);
  expect(text()).toMatch(/one +done: a profile where there was none$/m);
  hooks.onNote('two', 'it did not stop\u001b[2J');
  expect(written.mock.calls.map(([line]) => line)).toEqual([
    '[one] recording run 1: starting\n',
    '[two] recording run 1: starting\n',
    '[two] note: it did not stop\\u001b[2J\n',
  ]);
  written.mockRestore();
});

it('a reading has what a run will have: nothing that a runtime does before its filter', () => {
  const call = (slot: number, number: number, firstSeenMs: number, count = 1n) =>
    ({ slot, abi: 'x86_64', number, count, firstSeenMs }) as const;
  const { lost } = progress();
  const read = progressOf({
    ...{ elapsedMs: 1_000, live: 1, liveApplication: 1, starts: 1, newestMs: 900, filtered: true },
    ...{ deniedSinceMs: 0, tuples: [], tupleLosses: [], lost, blindSpots: [] },
    executables: [
      { slot: 0, path: '', phase: 'setup' },
      { slot: 1, path: '', phase: 'runtime' },
      { slot: 2, path: '/bin/a', phase: 'app' },
      { slot: 3, path: '/bin/b', phase: 'app' },
      { slot: 4, path: '/bin/unused', phase: 'app' },
    ],
    calls: [
      call(0, 9, 950, 7n),
      call(1, 1, 100),
      call(2, 1, 500),
      call(3, 2, 600),
      call(2, 2, 700),
    ],
    denied: [{ ...call(2, 3, 550, 4n), errno: 1 }],
  });
  expect(read).toMatchObject({ calls: 8n, denied: 4n, distinct: 3, executables: 2, quietMs: 100 });
  expect(read.newest).toEqual({ abi: 'x86_64', number: 2, executable: '/bin/b', atMs: 600 });
});

describe('figures', () => {
  it('are of the last two seconds', () => {
    const meter = new Meter();
    const at = (elapsedMs: number, calls: number, distinct = 1) =>
      meter.update(progress({ elapsedMs, calls: BigInt(calls), distinct }));
    expect(at(0, 0).rate).toBeNull();
    expect(at(400, 400).rate).toBeNull();
    expect(at(500, 500).rate).toBe(1000);
    for (let ms = 600; ms <= 10_000; ms += 100) at(ms, 500);
    expect(at(10_100, 500)).toMatchObject({ rate: 0, quietMs: 10_100 });
    expect(at(10_200, 500, 2).quietMs).toBe(0);
    expect(at(10_300, 500, 2).quietMs).toBe(100);
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m00s'],
    [3_599_000, '59m59s'],
    [3_600_000, '1h00m'],
    [360_000_000, '100h00m'],
  ])('%i ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

  it('are grouped', () => {
    expect([0, 999, 1000, 1234567].map(figure)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([null, 0, 0.25, 9.94, 10, 1234.5].map(rateText)).toEqual([
      ...['-', '0', '0.3', '9.9', '10', '1,235'],
    ]);
  });

  it('tell of each way that calls are missed', () => {
    const lost = { calls: 1n, tasks: 2n, namespaces: 1n, cgroups: 3n, executables: 1n, paths: 1n };
    expect(troubles(progress({ lost }), false)).toEqual([
      'NOT complete: 1 call lost, 2 tasks over the limit, 1 namespace not watched, 3 cgroups not watched',
    ]);
    expect(troubles(progress(), true)).toEqual([]);
    expect(troubles(progress({ starts: 0 }), false)).toEqual([]);
  });
});

describe('text is cut', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['漢字漢', 5, '漢字…'],
    ['漢字漢', 4, '漢…'],
    ['a\u0301bcd', 3, 'a\u0301b…'],
    ['🚀🚀', 3, '🚀…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['漢', 1, '…'],
  ])('%j to %i cells', (text, width, shown) => expect(cutTo(text, width)).toBe(shown));

  it.each([
    ['/usr/bin/a', 10, '/usr/bin/a'],
    ['/usr/bin/a', 6, '…bin/a'],
    ['e\u0301\u0301xyz', 3, '…yz'],
    ['漢字漢字', 4, '…字'],
  ])('%j from its beginning to %i cells', (text, width, shown) =>
    expect(cutStart(text, width)).toBe(shown),
  );

  it('the path first', () => {
    expect(cutPath('openat2 by /usr/lib/jvm/bin/java', 24)).toBe('openat2 by …jvm/bin/java');
    expect(cutPath('openat2 by /usr/lib/jvm/bin/java', 12)).toBe('openat2 by …');
  });

  it('never to more than there is room for', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, fc.nat(30), (some, width) => {
        for (const cut of [cutTo, cutStart, cutPath]) {
          expect(widthOf(cut(`call by ${some}`, width))).toBeLessThanOrEqual(width);
          expect(widthOf(cut(some, width))).toBeLessThanOrEqual(width);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a block', () => {
  const size = { rows: 12, columns: 40 };
  const LINES = ['title', 'one', 'two'];

  function terminal(shared = false) {
    const writes: string[] = [];
    const block = new Block((text) => writes.push(text), shared);
    return { block, writes };
  }

  it('is drawn by one write a frame, of changed lines alone, and never clears the screen', () => {
    const { block, writes } = terminal();
    block.draw(LINES, size);
    block.draw(LINES, size);
    expect(writes.length).toBe(1);
    block.draw(['title', 'ONE', 'two'], size);
    expect(writes.length).toBe(2);
    expect(writes[1]).toContain('ONE');
    expect(writes[1]).not.toMatch(/title|two/);
    // A changed line costs its text and 61 bytes.
    expect(Buffer.byteLength(writes[1] ?? '')).toBeLessThanOrEqual(64);
    block.draw(LINES, { rows: 20, columns: 30 });
    block.leave();
    block.leave();
    expect(writes.length).toBe(4);
    for (const text of writes) {
      expect(text).not.toMatch(/\u001b\[[0-3]?J|\u001bc|\u001b\[\?1049/);
      expect(text).not.toContain('\n');
      expect(text.startsWith('\u001b[?2026h') && text.endsWith('\u001b[?2026l')).toBe(true);
    }
  });

  it('stands at the bottom, and what is written meanwhile above it', () => {
    const { block, writes } = terminal();
    writes.push('before\n');
    block.draw(LINES, size);
    for (let at = 0; at < 20; at++) writes.push(`line ${at}\n`);
    block.draw(['title', 'ONE', 'two'], size);
    writes.push('last\n');
    const { lines, history, cursor } = screenAfter(writes, size);
    expect(lines).toEqual([
      ...Array.from({ length: 7 }, (_, at) => `line ${at + 13}`),
      'last',
      '',
      ...['title', 'ONE', 'two'],
    ]);
    expect(history).toEqual(['before', ...Array.from({ length: 13 }, (_, at) => `line ${at}`)]);
    expect(cursor).toEqual({ row: 8, column: 0, shown: false });
  });

  it('leaves nothing behind but what is above it', () => {
    const { block, writes } = terminal();
    writes.push('before\n');
    block.draw(LINES, size);
    block.draw([...LINES, 'three', 'four'], size);
    block.draw(LINES, size);
    writes.push('^C');
    block.leave();
    writes.push('after\n');
    for (let at = 0; at < 11; at++) writes.push(`line ${at}\n`);
    const { lines, history, cursor } = screenAfter(writes, size);
    expect([...history, ...lines]).toEqual([
      'before',
      'after',
      ...Array.from({ length: 11 }, (_, at) => `line ${at}`),
      '',
    ]);
    expect(cursor.shown).toBe(true);
  });

  it('leaves a command its cursor, and the line it has begun', () => {
    const { block, writes } = terminal(true);
    writes.push('prompt> ');
    block.draw(LINES, size);
    writes.push('typed');
    block.leave();
    expect(writes.join('')).not.toContain('\u001b[?25');
    const { lines, cursor } = screenAfter(writes, size);
    expect(lines[0]).toBe('prompt> typed');
    expect(lines.slice(1).join('')).toBe('');
    expect(cursor).toEqual({ row: 0, column: 13, shown: true });
  });

  it('gives way where there are few rows', () => {
    const { block, writes } = terminal();
    block.draw(LINES, { rows: 5, columns: 40 });
    expect(writes.join('')).toMatch(/title.*one/);
    expect(writes.join('')).not.toContain('two');
    block.draw(LINES, { rows: 3, columns: 40 });
    expect(writes[1]).toContain('\u001b[r');
    block.draw(LINES, { rows: 0, columns: 0 });
    expect(writes.length).toBe(2);
  });
});

describe('a log', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('gets a line when something is new, and no more than one in ten seconds', () => {
    const written: string[] = [];
    const stream = new EventEmitter() as unknown as WriteStream;
    stream.write = ((text: string) => written.push(text)) as never;
    const meter = new Meter();
    const shown = (elapsedMs: number, distinct: number): RecordState => ({
      ...(RECORDS[0]?.[1] as RecordState),
      figures: meter.update(progress({ elapsedMs, distinct, calls: 1000n })),
    });
    let state = shown(0, 1);
    const log = () => [{ of: '', key: recordKey(state), text: recordLine(state) }];
    const view = new View(stream, { lines: () => null, log }, { mode: 'log', shared: false });
    view.start();
    for (let ms = 100; ms <= 60_000; ms += 100) {
      state = shown(ms, ms < 25_000 ? Math.ceil(ms / 1000) : 25);
      jest.advanceTimersByTime(100);
    }
    view.end();
    jest.advanceTimersByTime(60_000);
    expect(written).toEqual([
      '10s: 1,000 calls (0/s), 10 distinct; newest openat2 by /usr/sbin/nginx\n',
      '20s: 1,000 calls (0/s), 20 distinct; newest openat2 by /usr/sbin/nginx\n',
      '30s: 1,000 calls (0/s), 25 distinct; newest openat2 by /usr/sbin/nginx\n',
    ]);
  });
});

it.each([
  [{ isTTY: true }, false, { TERM: 'xterm' }, 'live'],
  [{ isTTY: true }, false, { TERM: 'xterm', NO_COLOR: '1' }, 'live'],
  [{ isTTY: true }, false, { TERM: 'xterm', CI: 'false' }, 'live'],
  [{ isTTY: true }, false, { TERM: 'xterm', CI: '1' }, 'log'],
  [{ isTTY: true }, false, { TERM: 'dumb' }, 'log'],
  [{ isTTY: true }, false, {}, 'log'],
  [{}, false, { TERM: 'xterm' }, 'log'],
  [{ isTTY: true }, true, { TERM: 'xterm' }, 'none'],
] as const)('%j, quiet: %j, in %j is %s', (stream, quiet, env, mode) => {
  expect(modeOf(stream, quiet, env)).toBe(mode);
});
