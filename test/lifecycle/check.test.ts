/** `sysieve check` of a command of the host: recorded anew each time. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(__dirname, '../../dist/cli/main.js');

let directory: string;
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: run scripts/build first');
  directory = mkdtempSync(join(tmpdir(), 'sysieve-check-'));
  const apps = { job: { command: ['sh', 'job.sh'] } };
  writeFileSync(join(directory, 'sysieve.config.json'), JSON.stringify({ apps }));
  program('echo done > result\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

function program(text: string): void {
  writeFileSync(join(directory, 'job.sh'), text);
}

function check(args: string[] = [], env: Record<string, string> = {}) {
  const { CI: _, ...outer } = process.env;
  const result = spawnSync(process.execPath, [MAIN, 'check', '--json', ...args], {
    cwd: directory,
    env: { ...outer, ...env },
    encoding: 'utf8',
  });
  return { status: result.status, report: JSON.parse(result.stdout), err: result.stderr };
}

interface Found {
  name: string;
  rule: string;
  call: string;
  evidence: { executables: string[] };
}

// One story: each step stands on the one before.
test('passes twice, fails when the program does something new, passes again after -u', () => {
  const made = check(['-u']);
  expect([made.status, made.report.apps[0].updated, made.err]).toEqual([
    0,
    'new',
    expect.stringContaining('under its profile'),
  ]);

  // The shell can do more than this.
  const evidence = join(directory, 'profiles/job.evidence.json');
  const { unseen, ...older } = JSON.parse(readFileSync(evidence, 'utf8'));
  expect(unseen.map(({ name }: Found) => name)).toContain('kill');
  // Of a sysieve that did not look.
  writeFileSync(evidence, JSON.stringify(older));
  for (const _ of [1, 2]) {
    const { status, report } = check(['--max-unused', '0']);
    expect([status, report.passed, report.apps[0].findings]).toEqual([0, true, []]);
    expect(report.apps[0].notes).toContainEqual(
      expect.stringMatching(/^\d+ calls reachable but not exercised, \d+ of them likely: /),
    );
  }

  program('echo done > result\nmkdir made\nrmdir made\n');
  const { status, report } = check();
  const missing: Found[] = report.apps[0].findings.filter(
    ({ rule }: Found) => rule === 'check-missing-call',
  );
  const by = (call: string) =>
    missing
      .find((found) => found.call === call)
      ?.evidence.executables.map((path) => path.replace(/^.*\//, ''));
  expect(status).toBe(1);
  expect([by('mkdir'), by('rmdir')]).toEqual([['mkdir'], ['rmdir']]);

  const profile = join(directory, 'profiles/job.json');
  const before = readFileSync(profile, 'utf8');
  const refused = check(['-u'], { CI: '1' });
  expect([refused.status, refused.report.error.code]).toEqual([2, 'update-in-ci']);
  expect(readFileSync(profile, 'utf8')).toBe(before);

  const updated = check(['-u']);
  expect([updated.status, updated.report.apps[0].updated]).toEqual([0, 'changed']);
  expect(check().status).toBe(0);

  // What it no longer does is told, and fails where that was asked for.
  program('echo done > result\n');
  expect(check().status).toBe(0);
  expect(check(['--max-unused', '0']).status).toBe(1);
});

test('an app that is made ready and put to nothing is told to have no workload', () => {
  const config = join(directory, 'idle.config.json');
  const idle = { command: ['sleep', '1000'], ready: { command: ['true'] }, profile: 'idle.json' };
  const told = (app: object) => {
    writeFileSync(config, JSON.stringify({ apps: { idle: app } }));
    return check(['-u', '--config', config]);
  };
  const note = /\[idle\] note: it has no workload: .*denies what it does in use/;
  const made = told(idle);
  expect([made.status, made.err]).toEqual([0, expect.stringMatching(note)]);
  const used = told({ ...idle, workload: { command: ['true'] } });
  expect([used.status, used.err]).toEqual([0, expect.not.stringMatching(note)]);
});
