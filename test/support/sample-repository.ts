/** The sample of fixtures/review as a real git repository: three commits to one profile. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const FIXTURES = path.join(__dirname, '../../fixtures/review');

const COMMITS = [
  'Profile of the web server, as recorded',
  'Group the calls by purpose; no IPv6, no sleeping in the runtime',
  'Debugging in production, and whatever else was needed',
] as const;

export interface SampleRepository {
  dir: string;
  /** The commits, oldest first. Always the same ones. */
  commits: [string, string, string];
  /** Whom nothing of the machine's or the user's git configuration reaches. */
  env: NodeJS.ProcessEnv;
  git(...args: string[]): string;
}

/** The environment without what points git elsewhere. */
export function plainGitEnv(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  return { ...env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
}

/** `dir`: to be made, or empty. The profile is app.json, with app.evidence.json beside it. */
export function sampleRepository(dir: string): SampleRepository {
  mkdirSync(dir, { recursive: true });
  const env = plainGitEnv();
  for (const role of ['AUTHOR', 'COMMITTER']) {
    env[`GIT_${role}_NAME`] = 'Reviewer';
    env[`GIT_${role}_EMAIL`] = 'reviewer@example.org';
  }
  const run = (more: NodeJS.ProcessEnv, ...args: string[]) =>
    execFileSync('git', args, { cwd: dir, env: { ...env, ...more }, encoding: 'utf8' });
  run({}, 'init', '-q', '-b', 'main', '--object-format=sha1');
  const commits = COMMITS.map((message, index) => {
    for (const file of ['app.json', 'app.evidence.json']) {
      copyFileSync(path.join(FIXTURES, String(index + 1), file), path.join(dir, file));
    }
    const date = `2026-0${index + 1}-01T12:00:00Z`;
    run({}, 'add', '-A');
    const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    run(dates, 'commit', '-q', '--no-gpg-sign', '-m', message);
    return run({}, 'rev-parse', 'HEAD').trim();
  }) as [string, string, string];
  return { dir, commits, env, git: (...args) => run({}, ...args) };
}
