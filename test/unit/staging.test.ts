/** The parts of the staging flow that need no application. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation } from '../../src/capture/binding-types';
import { markedPhases } from '../../src/capture/phases';
import { toRun } from '../../src/capture/run';
import { writeFilesAtomic } from '../../src/io';
import { isDeniedAlike } from '../../src/staging/alike';
import { inParallel } from '../../src/staging/jobs';
import { lastLines, lineSplitter, Output } from '../../src/staging/output';
import { readyText, tcpAddress } from '../../src/staging/ready';
import { isDead, ownSession, parseSession } from '../../src/staging/session';
import { addedText, judge, Seen } from '../../src/staging/stability';
import { type makeCall, makeRecording, makeRun } from '../support/recordings';

function seen(
  elapsedMs: number,
  counts: { calls?: [number, bigint][]; denied?: [number, bigint][]; tuples?: [bigint, bigint][] },
): Observation {
  const made = ([number, count]: [number, bigint]) =>
    ({ slot: 3, abi: 'x86_64', number, count, firstSeenMs: 1 }) as const;
  return {
    elapsedMs,
    live: 0,
    liveApplication: 0,
    starts: 1,
    newestMs: 1,
    filtered: true,
    deniedSinceMs: 0,
    executables: [{ slot: 3, path: '/app', phase: 'app' }],
    calls: (counts.calls ?? []).map(made),
    denied: (counts.denied ?? []).map((one) => ({ ...made(one), errno: 1 })),
    tuples: (counts.tuples ?? []).map(([value, count]) => ({
      ...{ phase: 'app' as const, abi: 'x86_64' as const, number: 41, slots: [3] },
      denied: false,
      ...{ values: [value, 1n, 0n], count },
    })),
    tupleLosses: [],
    lost: { calls: 0n, tasks: 0n, namespaces: 0n, cgroups: 0n, executables: 0n, paths: 0n },
    blindSpots: [],
  };
}

const MKDIR = 83;
const SOCKET = 41;
const READ = 0;

describe('phase marks', () => {
  const atStart = seen(5, {});
  const atReady = seen(100, {
    calls: [
      [MKDIR, 2n],
      [READ, 4n],
      [SOCKET, 1n],
    ],
    tuples: [[2n, 1n]],
  });
  const atStop = seen(200, {
    calls: [
      [MKDIR, 2n],
      [READ, 9n],
      [SOCKET, 2n],
    ],
    tuples: [
      [2n, 1n],
      [1n, 1n],
    ],
  });
  const end = seen(230, {
    calls: [
      [MKDIR, 2n],
      [READ, 10n],
      [SOCKET, 2n],
    ],
    denied: [[MKDIR, 1n]],
    tuples: [
      [2n, 1n],
      [1n, 1n],
    ],
  });
  const marks = [
    { phase: 'startup', seen: atStart },
    { phase: 'steady', seen: atReady },
    { phase: 'shutdown', seen: atStop },
  ] as const;

  it('gives a call the phases in which its count grew, denied attempts included', () => {
    const { ofCall, ofTuple } = markedPhases(marks, end);
    const [mkdir, read, socket] = end.calls;
    if (mkdir === undefined || read === undefined || socket === undefined) throw new Error('calls');
    expect(ofCall(mkdir)).toEqual(['startup', 'shutdown']);
    expect(ofCall(read)).toEqual(['startup', 'steady', 'shutdown']);
    expect(ofCall(socket)).toEqual(['startup', 'steady']);
    expect(end.tuples.map(ofTuple)).toEqual([['startup'], ['steady']]);
  });

  const context = {
    version: '0',
    runtime: null,
    tracer: 'ebpf',
    start: new Date(0),
    attachedLate: null,
    target: { kind: 'command', engine: null, name: 'app', id: null, image: null },
  } as const;

  it('enter the run with their times', () => {
    const run = toRun(end, { ...context, marks });
    expect(run.marks).toEqual([
      { phase: 'startup', atMs: 5 },
      { phase: 'steady', atMs: 100 },
      { phase: 'shutdown', atMs: 200 },
    ]);
    expect(run.calls.find(({ name }) => name === 'mkdir')).toMatchObject({
      count: 3,
      denied: { count: 1 },
      phases: ['shutdown', 'startup'],
    });
    expect(run.calls.find(({ name }) => name === 'socket')?.args?.tuples).toMatchObject([
      { values: ['0x1', '0x1', '0x0'], phases: ['steady'] },
      { values: ['0x2', '0x1', '0x0'], phases: ['startup'] },
    ]);
  });

  it('are none where none was set: all of it is steady', () => {
    const run = toRun(end, context);
    expect(run.marks).toEqual([]);
    expect(run.calls.flatMap(({ phases }) => phases)).toEqual(['steady', 'steady', 'steady']);
  });
});

const nothing = { calls: [], tuples: 0 };
const some = { calls: ['mkdir'], tuples: 2 };

describe('what is stable', () => {
  const rule = { runs: 2, maxRuns: 4 };

  it('needs so many runs in a row that add nothing', () => {
    expect(judge([some], rule, false)).toBeNull();
    expect(judge([some, nothing], rule, false)).toBeNull();
    expect(judge([some, nothing, some], rule, false)).toBeNull();
    expect(judge([some, nothing, nothing], rule, false)).toEqual({
      stable: true,
      ended: '3 runs, nothing new in the last 2',
    });
    expect(judge([some, nothing], { runs: 1, maxRuns: 5 }, false)).toEqual({
      stable: true,
      ended: '2 runs, nothing new in the last',
    });
  });

  it('never is after one run, whatever that saw', () => {
    expect(judge([nothing], { runs: 1, maxRuns: 5 }, false)).toBeNull();
    expect(judge([some], { runs: 1, maxRuns: 1 }, false)).toEqual({
      stable: false,
      ended: '1 run (maxRuns), with no second one to compare it to',
    });
  });

  it('is said not to be when a limit ends it', () => {
    expect(judge([some, nothing, nothing, some], rule, false)).toEqual({
      stable: false,
      ended: '4 runs (maxRuns), the last still added 1 call (mkdir) and 2 argument tuples',
    });
    expect(judge([some, nothing], rule, true)).toEqual({
      stable: false,
      ended: '2 runs (maxTime), nothing new in the last',
    });
  });

  it('counts calls, and tuples of calls that are known', () => {
    const first = makeRun(['mkdir', { call: 'socket', tuples: [[2n, 1n, 0n]] }]);
    const more = makeRun([
      'mkdir',
      {
        call: 'socket',
        tuples: [
          [2n, 1n, 0n],
          [1n, 1n, 0n],
        ],
      },
      { call: 'read', abi: 'i386' },
    ]);
    const all = new Seen();
    expect(all.add(first)).toEqual({ calls: ['mkdir', 'socket'], tuples: 0 });
    expect(all.add(first)).toEqual({ calls: [], tuples: 0 });
    expect(all.add(more)).toEqual({ calls: ['i386 read'], tuples: 1 });
    expect(addedText({ calls: [], tuples: 0 })).toBe('nothing');
  });
});

describe('a call denied under the profile', () => {
  const under = (denied: Record<string, number>) => {
    const run = makeRun([{ call: 'mkdir', denied }]);
    return { run, call: run.calls[0] as ReturnType<typeof makeCall> };
  };
  const recorded = (...calls: Parameters<typeof makeRun>[0][]) =>
    makeRecording(...calls.map((made, at) => ({ ...makeRun(made), id: `00000000-${at}` })));

  it('is no news where it never passed, and was answered the same', () => {
    const { run, call } = under({ 1: 2 });
    const alike = recorded([{ call: 'mkdir', denied: { 1: 5 } }], ['read']);
    expect(isDeniedAlike(call, run, alike)).toBe(true);
  });

  it.each([
    ['it was never made', [['read']]],
    ['it passed', [['mkdir']]],
    ['it passed in another run', [[{ call: 'mkdir', denied: { 1: 1 } }], ['mkdir']]],
    ['some of it passed', [[{ call: 'mkdir', denied: { 1: 1 }, count: 2 }]]],
    ['it was answered otherwise', [[{ call: 'mkdir', denied: { 38: 1 } }]]],
    ['it was another ABI', [[{ call: 'mkdir', abi: 'i386', denied: { 1: 1 } }]]],
  ] as [string, Parameters<typeof makeRun>[0][]][])('is news where %s', (_, calls) => {
    const { run, call } = under({ 1: 1 });
    expect(isDeniedAlike(call, run, recorded(...calls))).toBe(false);
  });
});

describe('readiness', () => {
  it.each([
    [80, '127.0.0.1', 80],
    ['db:5432', 'db', 5432],
  ])('reads the port %p', (tcp, host, port) => {
    expect(tcpAddress(tcp)).toEqual({ host, port });
  });

  it('says what is waited for', () => {
    expect(readyText({ tcp: 80 })).toBe('a connection to 127.0.0.1:80');
    expect(readyText({ log: 'up "now"' })).toBe('a line of output with "up \\"now\\""');
    expect(readyText({ command: ['pg_isready', '-q'] })).toBe('pg_isready -q to succeed');
  });
});

describe('the owner of a container', () => {
  it('lives as long as this process', () => {
    expect(parseSession(ownSession())?.pid).toBe(process.pid);
    expect(isDead(ownSession())).toBe(false);
  });

  it('is dead when its process is, when its id is another one, and after a reboot', () => {
    const [boot = '', namespace, pid, ticks] = ownSession().split('-');
    expect(isDead([boot, namespace, 2 ** 31 - 1, ticks].join('-'))).toBe(true);
    expect(isDead([boot, namespace, pid, Number(ticks) + 1].join('-'))).toBe(true);
    expect(isDead(['0'.repeat(32), namespace, pid, ticks].join('-'))).toBe(true);
  });

  it('is not known to be dead where nobody can see it', () => {
    const [boot, , , ticks] = ownSession().split('-');
    expect(isDead([boot, '1', 2 ** 31 - 1, ticks].join('-'))).toBe(false);
    for (const text of ['', 'x', '1-2-3-4', `${ownSession()}-5`]) expect(isDead(text)).toBe(false);
  });
});

describe('the output of an application', () => {
  it('is cut into lines, whatever the chunks', () => {
    const lines: string[] = [];
    const add = lineSplitter((line) => lines.push(line));
    for (const chunk of ['a', 'b\nc', '\n\nd']) add(chunk);
    expect(lines).toEqual(['ab', 'c', '']);
    add('x'.repeat(10_000));
    expect(lines.at(-1)?.length).toBe(10_001);
  });

  it('keeps the latest lines, and tells a late listener of them', () => {
    const output = new Output();
    expect(String(output)).toBe('it printed nothing');
    for (let n = 0; n < 100; n++) output.add(`line ${n}`);
    const heard: string[] = [];
    output.onLine((line) => heard.push(line));
    expect(heard).toHaveLength(40);
    expect(heard.at(-1)).toBe('line 99');
    expect(String(output)).toMatch(/line 98 \| line 99$/);
    expect(lastLines('one\n\n two \n')).toBe('its output ends with: one |  two');
  });
});

describe('jobs', () => {
  it('run so many at a time, and keep their order', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([30, 5, 20, 1], 2, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, ms));
      running -= 1;
      return ms;
    });
    expect(results).toEqual([30, 5, 20, 1]);
    expect(most).toBe(2);
  });
});

describe('files written together', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sysieve-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('are all there or none', async () => {
    const at = (name: string) => join(dir, name);
    writeFileSync(at('a.json'), 'old');
    const missing = join(dir, 'no', 'b.json');
    await expect(
      writeFilesAtomic([
        { path: at('a.json'), data: 'new' },
        { path: missing, data: 'new' },
      ]),
    ).rejects.toMatchObject({ code: 'file-missing' });
    expect(readFileSync(at('a.json'), 'utf8')).toBe('old');
    expect(readdirSync(dir)).toEqual(['a.json']);
  });

  it('take away what a killed writer left, and nothing of a living one', async () => {
    const left = `.a.json.${2 ** 31 - 1}-0123456789abcdef.tmp`;
    const living = `.a.json.${process.pid}-0123456789abcdef.tmp`;
    const others = ['.a.json.tmp', '.b.json.99-0123456789abcdef.tmp'];
    for (const name of [left, living, ...others]) writeFileSync(join(dir, name), 'half');
    await writeFilesAtomic([{ path: join(dir, 'a.json'), data: 'new' }]);
    expect(readdirSync(dir).sort()).toEqual([...others, living, 'a.json'].sort());
  });
});
