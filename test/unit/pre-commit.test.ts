/** .pre-commit-hooks.yaml, by pre-commit itself, in a repository of its own. Needs dist/. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLI, ROOT, scratch } from '../support/recorder';
import { plainGitEnv, type SampleRepository, sampleRepository } from '../support/sample-repository';

const temporary = scratch();
const at = (...names: string[]) => path.join(temporary.dir, ...names);
let repository: SampleRepository;

/** The hooks as a repository that pre-commit clones: those of this one are part of a larger tree. */
function hooks(): string {
  const dir = at('hooks');
  for (const file of ['.pre-commit-hooks.yaml', 'scripts/pre-commit-diff']) {
    mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(dir, file));
  }
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: dir, env: repository.env, encoding: 'utf8' }).trim();
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '--no-gpg-sign', '-m', 'hooks');
  return git('rev-parse', 'HEAD');
}

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: run scripts/build first');
  repository = sampleRepository(at('repository'));
  const revision = hooks();
  mkdirSync(at('bin'));
  symlinkSync(CLI, at('bin/sysieve'));
  const config = `repos:
  - repo: ${at('hooks')}
    rev: ${revision}
    hooks:
      - id: sysieve-lint
      - id: sysieve-diff
`;
  writeFileSync(path.join(repository.dir, '.pre-commit-config.yaml'), config);
  place(1);
  repository.git('add', '-A');
  repository.git('commit', '-q', '--no-gpg-sign', '-m', 'set up');
});
afterAll(() => temporary.remove());

/** Stages this version of the sample's profile, with its evidence. */
function place(version: 1 | 2 | 3): void {
  const folder = path.join(repository.dir, 'profiles');
  mkdirSync(folder, { recursive: true });
  for (const name of ['app.json', 'app.evidence.json']) {
    cpSync(path.join(ROOT, 'fixtures/review', String(version), name), path.join(folder, name));
  }
  repository.git('add', '-A');
}

function preCommit(hook: string, env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync('pre-commit', ['run', '--color=never', hook], {
    cwd: repository.dir,
    encoding: 'utf8',
    env: {
      ...plainGitEnv(),
      PRE_COMMIT_HOME: at('cache'),
      PATH: `${at('bin')}:${process.env.PATH}`,
      ...env,
    },
  });
  return { status, said: stdout + stderr };
}

test('lint: a profile that is dangerous is not committed, others are', () => {
  place(2);
  const { status, said } = preCommit('sysieve-lint');
  expect([status, said]).toEqual([0, expect.stringMatching(/sysieve lint\.+Passed/)]);
  place(3);
  const bad = preCommit('sysieve-lint');
  expect([bad.status, bad.said]).toEqual([1, expect.stringContaining('profiles/app.json')]);
});

test('diff: what is staged may permit no more than what was committed', () => {
  place(1);
  expect(preCommit('sysieve-diff')).toEqual({
    status: 0,
    said: expect.stringContaining('Skipped'),
  });
  const profile = path.join(repository.dir, 'profiles/app.json');
  const text = readFileSync(profile, 'utf8');
  writeFileSync(profile, text.replace('"read",\n', ''));
  repository.git('add', '-A');
  const narrower = preCommit('sysieve-diff');
  expect([narrower.status, narrower.said]).toEqual([0, expect.stringContaining('Passed')]);
  place(3);
  const wider = preCommit('sysieve-diff');
  expect([wider.status, wider.said]).toEqual([1, expect.stringContaining('ptrace')]);
  // The evidence beside it is no profile.
  expect(wider.said.match(/evidence\.json/g)).toBe(null);
});

test('without sysieve on the PATH neither passes', () => {
  place(3);
  const env = { PATH: '/usr/bin:/bin' };
  for (const hook of ['sysieve-lint', 'sysieve-diff']) {
    expect(preCommit(hook, env)).toEqual({ status: 1, said: expect.stringContaining('sysieve') });
  }
});
