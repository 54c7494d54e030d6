/** The benchmark runs to its end and reports a number for everything; no timing is judged here. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OVERHEAD = join(__dirname, '..', '..', 'bench', 'overhead');
const LOOP = [
  'untraced',
  'emptyEnter',
  'emptyBoth',
  'target',
  'targetDenied',
  'neighbour',
  'neighbourDenied',
  'bpftrace',
  'perfTrace',
  'ptrace',
  'straceRaw',
  'strace',
];
const STARTED = [
  'untracedStart',
  'enforced',
  'complain',
  'ebpfStart',
  'ptraceStart',
  'entryOnly',
  'notify',
  'straceRawStart',
  'straceStart',
];
const REDIS = LOOP.filter((name) => !name.startsWith('neighbour'));

interface Row {
  name: string;
  figures: Record<string, { median: number; n: number }>;
  seenShare: number | null;
}
interface Ratio {
  name: string;
  of: string;
  value: { median: number; low: number | null; n: number };
  goal: number | null;
  met: boolean | null;
}
interface Section {
  rows: Row[];
  ratios: Ratio[];
  samples: Record<string, unknown[]>;
}
interface Result {
  rounds: number;
  host: Record<string, unknown>;
  missing: unknown[];
  loop: Section;
  started: Section;
  redis: Section;
}

function run(parameters: string[]) {
  return spawnSync(OVERHEAD, parameters, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

describe('the command line', () => {
  test.each([
    ['an unknown option', ['--fast'], "'--fast'"],
    ['no number of rounds', ['--rounds', 'many'], "'many'"],
    ['no rounds at all', ['--rounds', '0'], "'0'"],
    ['an output in no directory', ['--output', '/nowhere/at/all.json'], '/nowhere/at'],
    ['an unknown workload', ['--only', 'nginx'], "'nginx'"],
  ])('%s is refused', (_what, parameters, named) => {
    const { status, stdout, stderr } = run(parameters);
    expect(stderr).toContain(named);
    expect(stderr).toContain('usage: bench/overhead');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

const privileged = process.geteuid?.() === 0;
if (!privileged) console.warn('skipped: bench/overhead needs root (tracing)');

(privileged ? describe : describe.skip)('a quick run', () => {
  let directory: string;
  let result: Result;
  let table: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sysieve-bench-test-'));
    const output = join(directory, 'overhead.json');
    const { status, stdout, stderr } = run(['--quick', '--output', output]);
    if (status !== 0) throw new Error(`bench/overhead ended with ${status}: ${stderr}`);
    table = stdout;
    result = JSON.parse(readFileSync(output, 'utf8'));
  }, 300_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('nothing is left out', () => {
    expect(result.missing).toEqual([]);
    expect(result.host).toMatchObject({
      kernel: expect.any(String),
      bpftrace: expect.any(String),
      perf: expect.any(String),
      strace: expect.any(String),
      redis: expect.any(String),
    });
  });

  test.each([
    ['loop', LOOP, ['ns', 'meanNs', 'cpuNs']],
    ['started', STARTED, ['ns', 'meanNs', 'cpuNs']],
    ['redis', REDIS, ['requestsPerSecond', 'cpuNsPerRequest']],
  ] as const)('%s: every configuration has its figures', (section, names, figures) => {
    const { rows, samples } = result[section];
    expect(rows.map(({ name }) => name)).toEqual(names);
    for (const row of rows) {
      expect(Object.keys(row.figures)).toEqual(figures);
      for (const { median, n } of Object.values(row.figures)) {
        expect(n).toBe(result.rounds);
        expect(median).toBeGreaterThan(0);
      }
      expect(samples[row.name]).toHaveLength(result.rounds);
    }
  });

  test('sysieve counted every call of the loop, and the other tracers were there', () => {
    const shares = new Map(result.loop.rows.map(({ name, seenShare }) => [name, seenShare]));
    expect(shares.get('target')).toBe(1);
    expect(shares.get('targetDenied')).toBe(1);
    expect(shares.get('ptrace')).toBe(1);
    expect(shares.get('strace')).toBe(1);
    expect(shares.get('bpftrace')).toBeGreaterThan(0.99);
    // perf drops events that its reader is too slow for.
    expect(shares.get('perfTrace')).toBeGreaterThan(0);
  });

  test('three rounds judge no goal', () => {
    const { loop, started, redis } = result;
    const all = [loop, started, redis].flatMap(({ ratios }) => ratios);
    const judged = all.filter((r) => r.goal !== null);
    expect(judged.map(({ name, goal }) => [name, goal])).toEqual([
      ['target', 1.5],
      ['targetDenied', 1.5],
      ['neighbour', 1.4],
      ['neighbourDenied', 1.4],
      ['ptrace', 1.1],
      ['ptrace', 0.6],
      ['complain', 1.1],
      ['ptraceStart', 1.1],
      ['ptraceStart', 0.6],
      ['entryOnly', 1.1],
      ['entryOnly', 0.6],
      ['target', 0.98],
      ['targetDenied', 0.96],
    ]);
    for (const { met, value } of judged) expect([met, value.low]).toEqual([null, null]);
  });

  test('the table has a line for each, with aligned columns', () => {
    for (const [title, lines] of [
      ['getppid loop', LOOP.length],
      ['extra time per call', result.loop.ratios.length],
      ['getppid loop, started', STARTED.length],
      ['time per call', result.started.ratios.length],
      ['redis GET', REDIS.length],
      // Each by untraced, and sysieve's two by the empty programs.
      ['throughput', REDIS.length - 1 + 2],
      ["server's CPU time per request", REDIS.length - 1 + 2],
    ] as const) {
      const part = table.split('\n\n').find((text) => text.startsWith(`${title} `));
      const [head = '', rule = '', ...body] = part?.trimEnd().split('\n') ?? [];
      expect(rule).toMatch(/^-+$/);
      expect(body).toHaveLength(lines);
      const column = head.search(/ns\/call|requests\/s|median/);
      const end = column + (/^\S+/.exec(head.slice(column))?.[0].length ?? 0);
      for (const line of body) expect(line.slice(0, end)).toMatch(/[\d,]+(\.\d+)?$/);
    }
  });
});

describe('bench/startup', () => {
  const startup = (...parameters: string[]) =>
    spawnSync(join(__dirname, '..', '..', 'bench', 'startup'), parameters, { encoding: 'utf8' });

  test('every command runs and has its figure', () => {
    const { status, stdout, stderr } = startup('--rounds', '2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [head = '', ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^node v\d.*, 2 rounds, load /);
    expect(lines.map((line) => /^(.*?) +[1-9]\d*(?: |$)/.exec(line)?.[1])).toEqual([
      'node -e 0',
      '--version',
      '--help',
      'diff A B',
    ]);
    expect(lines.filter((line) => / goal .*: (met|MISSED)$/.test(line))).toHaveLength(2);
  });

  test('a wrong option is refused', () => {
    const { status, stdout, stderr } = startup('--rounds', '0');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('usage: bench/startup');
  });
});

describe('the statistics', () => {
  const { estimate, intervalRank } = require('../../bench/lib/stats.js');

  test('31 values: ranks 10 and 22 enclose the median with 97%', () => {
    expect(intervalRank(31)).toBe(10);
    const values = Array.from({ length: 31 }, (_, i) => ((i * 7) % 31) + 1);
    expect(estimate(values)).toEqual({ median: 16, low: 10, high: 22, n: 31 });
  });

  // The smallest sample whose extremes enclose the median with 95%: 1 - 2 / 2^6 = 96.9%.
  test('below 6 values there is no interval', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(intervalRank)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 2]);
    expect(estimate([3, 1])).toEqual({ median: 2, low: null, high: null, n: 2 });
  });
});
