/** What a short benchmark, minimised, denies of a suite that nobody recorded: the bounds that docs/REACH.md names. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BENCH = join(__dirname, '..', '..', 'bench', 'coverage');

interface Figures {
  median: number;
  worst: number;
}
interface Row {
  setting: string;
  denied: Figures;
  surplus: Figures;
}
interface Coverage {
  tuning: Row[];
  heldOut: Row[];
  applications: Record<
    'tuning' | 'heldOut',
    { app: string; rows: { setting: string; denied: number; size: number }[] }[]
  >;
}

const BOTH = '--portable --reach likely';

function find<T extends { setting: string }>(rows: readonly T[], setting: string): T {
  const row = rows.find((one) => one.setting === setting);
  if (row === undefined) throw new Error(`no row for ${setting}`);
  return row;
}

describe('coverage of suites that were not recorded', () => {
  let coverage: Coverage;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'sysieve-coverage-'));
    try {
      const output = join(folder, 'coverage');
      execFileSync(process.execPath, [BENCH, '--stored', '--output', output], { stdio: 'ignore' });
      coverage = JSON.parse(readFileSync(`${output}.json`, 'utf8'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('held-out applications are what was named beforehand', () => {
    expect(coverage.applications.tuning.map(({ app }) => app)).toEqual([
      'haproxy',
      'memcached',
      'sqlite3',
    ]);
    expect(coverage.applications.heldOut.map(({ app }) => app)).toEqual([
      'lighttpd',
      'mosquitto',
      'postgresql',
      'redis',
      'rsync',
      'stunnel',
    ]);
  });

  test('held out: at most 2 calls denied in the median, 5 at worst, with at most 25 in vain', () => {
    const { denied, surplus } = find(coverage.heldOut, BOTH);
    expect(denied.median).toBeLessThanOrEqual(2);
    expect(denied.worst).toBeLessThanOrEqual(5);
    expect(surplus.median).toBeLessThanOrEqual(25);
  });

  test('the recording alone denies more, of every application', () => {
    for (const { rows } of [...coverage.applications.tuning, ...coverage.applications.heldOut]) {
      expect(find(rows, 'recording alone').denied).toBeGreaterThan(find(rows, BOTH).denied);
    }
  });

  test('reach takes nothing away', () => {
    for (const { rows } of [...coverage.applications.tuning, ...coverage.applications.heldOut]) {
      const sizes = ['recording alone', '--reach likely', '--reach all'].map(
        (setting) => find(rows, setting).size,
      );
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    }
  });
});
