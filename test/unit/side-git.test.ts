/** REV:PATH gives what is committed, and runs nothing that a repository asks for. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSide, type SideOptions } from '../../src/cli/side';
import type { ProfileSide } from '../../src/diff';
import { SysieveError } from '../../src/errors';
import { plainGitEnv, type SampleRepository, sampleRepository } from '../support/sample-repository';

const fixture = (version: number, file = 'app.json') =>
  readFileSync(path.join(__dirname, `../../fixtures/review/${version}/${file}`), 'utf8');

let dir: string;
let sample: SampleRepository;
const home = process.cwd();
const environment = process.env;
const at = (...names: string[]) => path.join(dir, ...names);

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sysieve-git-'));
  sample = sampleRepository(at('repository'));
  process.env = { ...plainGitEnv(), HOME: dir };
  process.chdir(sample.dir);
});
afterEach(() => {
  process.chdir(home);
  process.env = environment;
  rmSync(dir, { recursive: true });
});

async function profile(spec: string, options: SideOptions = {}): Promise<ProfileSide> {
  const side = await loadSide(spec, options);
  if (side.kind !== 'profile') throw new Error(`${spec} is no profile: ${side.kind}`);
  return side;
}

async function refusal(spec: string): Promise<SysieveError> {
  try {
    await loadSide(spec);
  } catch (error) {
    if (error instanceof SysieveError) return error;
    throw error;
  }
  throw new Error(`${spec} was not refused`);
}

test('the sample is the same repository wherever it is built', () => {
  expect(sampleRepository(at('again')).commits).toEqual(sample.commits);
  expect(sample.git('status', '--porcelain')).toBe('');
});

test('a file of a commit, with the evidence of that commit', async () => {
  for (const [index, commit] of sample.commits.entries()) {
    const spec = `${commit}:app.json`;
    const side = await profile(spec);
    expect(side).toMatchObject({ label: spec, notes: [], text: fixture(index + 1) });
    const [phase] = side.evidence?.calls.map(({ phases }) => phases) ?? [];
    expect(phase).toEqual(['steady']);
    expect(side.places(['defaultAction'])).toEqual({ file: spec, line: 2, column: 20 });
  }
  const allowed = async (rev: string) =>
    (await profile(`${rev}:app.json`)).evidence?.calls.map(({ name }) => name);
  expect(await allowed('HEAD')).toContain('rename');
  expect(await allowed('HEAD~1')).not.toContain('rename');
  expect((await profile('HEAD:app.json', { evidence: false })).evidence).toBeNull();
});

test('by every name that git has for it', async () => {
  mkdirSync('sub dir');
  writeFileSync('sub dir/ü:x.json', fixture(2));
  sample.git('add', '-A');
  for (const spec of [':sub dir/ü:x.json', ':0:sub dir/ü:x.json', ':./sub dir/ü:x.json']) {
    expect(await profile(spec)).toMatchObject({ label: spec, text: fixture(2), evidence: null });
  }
  process.chdir('sub dir');
  expect((await profile('HEAD^:../app.json')).text).toBe(fixture(2));
  expect((await profile('HEAD^:app.json')).text).toBe(fixture(2));
  expect((await profile('main@{0}:app.json')).text).toBe(fixture(3));
  expect((await profile(':/Group the calls:app.json').catch(() => null))?.text).toBeUndefined();
  process.chdir(dir);
  process.env = { ...process.env, GIT_DIR: path.join(sample.dir, '.git') };
  expect((await profile('HEAD:app.json')).text).toBe(fixture(3));
});

test('what is missing is an error that says why', async () => {
  const cases: [spec: string, cause: RegExp][] = [
    ['HEAD:none.json', /path 'none\.json' does not exist in 'HEAD'/],
    ['none:app.json', /invalid object name 'none'/],
    ['-c core.x=1:app.json', /invalid object name '-c core\.x=1'/],
    ['--help:app.json', /invalid object name '--help'/],
    [`${sample.commits[0].slice(0, 3)}:app.json`, /invalid object name/],
    [':none.json', /does not exist/],
  ];
  for (const [spec, cause] of cases) {
    const error = await refusal(spec);
    expect([error.exitCode, error.code]).toEqual([3, 'git-not-found']);
    expect(error.message).toContain(spec);
    expect(error.reason).toMatch(cause);
  }
  expect((await refusal('HEAD:')).code).toBe('git-not-a-file');
  expect((await refusal('HEAD:a\nHEAD:app.json')).code).toBe('git-not-found');
  expect((await refusal('HEAD:a\0b')).exitCode).toBe(3);
  writeFileSync('app.evidence.json', '{"version": 2, "calls": [');
  sample.git('commit', '-qam', 'broken');
  const broken = await refusal('HEAD:app.json');
  expect(broken.message).toContain('HEAD:app.evidence.json:1:26');
  process.chdir(dir);
  const outside = await refusal('HEAD:app.json');
  expect(outside.reason).toMatch(/not a git repository/);
});

test('a file of that very name comes first, and that is said', async () => {
  writeFileSync('HEAD:app.json', fixture(1));
  const side = await profile('HEAD:app.json');
  expect(side.text).toBe(fixture(1));
  expect(side.notes).toEqual(['HEAD:app.json is the file of that name; nothing was asked of git']);
  const plain = await profile('./HEAD:app.json');
  expect([plain.text, plain.notes]).toEqual([fixture(1), []]);
  writeFileSync('HEAD:app.json', 'no profile');
  expect((await refusal('HEAD:app.json')).code).toBe('profile-syntax');
  // Names that say what they are can be taken by no file.
  writeFileSync('default:docker', fixture(1));
  expect((await profile('default:docker')).profile.format).toBe('gated');
});

test('a hash that fits several objects is refused', async () => {
  // Of 1000 objects some begin alike in four digits.
  const files = Array.from({ length: 1000 }, (_, index) => {
    writeFileSync(at(`${index}`), `${index}`);
    return at(`${index}`);
  });
  const ids = execFileSync('git', ['hash-object', '-w', '--stdin-paths'], {
    env: sample.env,
    input: files.join('\n'),
    encoding: 'utf8',
  });
  const starts = ids.split('\n').map((id) => id.slice(0, 4));
  const prefix = starts.find((start, index) => start !== '' && starts.indexOf(start) < index);
  const error = await refusal(`${prefix}:app.json`);
  expect(error.exitCode).toBe(3);
  expect(error.reason).toMatch(/ambiguous|invalid object name/);
});

describe('a hostile repository', () => {
  /** A program that leaves a file behind when it is run. */
  function trap(name: string): string {
    const file = at(name);
    writeFileSync(file, `#!/bin/sh\necho run >> '${at('ran')}'\n`);
    chmodSync(file, 0o755);
    return file;
  }

  test('has none of its programs run', async () => {
    const program = trap('program');
    const settings = {
      'core.fsmonitor': program,
      'core.pager': program,
      'core.editor': program,
      'core.sshCommand': program,
      'core.askPass': program,
      'core.hooksPath': at('hooks'),
      'diff.external': program,
      'diff.evil.command': program,
      'diff.evil.textconv': program,
      'filter.evil.smudge': program,
      'filter.evil.clean': program,
      'filter.evil.process': program,
      'gpg.program': program,
      'log.showSignature': 'true',
      'credential.helper': program,
      'uploadpack.packObjectsHook': program,
      'alias.cat-file': `!${program}`,
      'alias.rev-parse': `!${program}`,
      'pager.cat-file': program,
      'pager.rev-parse': program,
    };
    for (const [key, value] of Object.entries(settings)) sample.git('config', key, value);
    writeFileSync('.git/info/attributes', '* diff=evil filter=evil\n');
    mkdirSync(at('hooks'));
    for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction']) {
      execFileSync('cp', [program, at('hooks', hook)]);
    }
    expect((await profile('HEAD~1:app.json')).text).toBe(fixture(2));
    expect((await profile(':app.json')).text).toBe(fixture(3));
    await refusal('HEAD:none.json');
    await refusal('none:app.json');
    expect(existsSync(at('ran'))).toBe(false);
    // The trap works.
    try {
      execFileSync('git', ['diff', 'HEAD~1', '--', 'app.json'], {
        env: sample.env,
        stdio: 'ignore',
      });
    } catch {
      // It speaks no protocol.
    }
    expect(existsSync(at('ran'))).toBe(true);
  });

  test('has nothing fetched for an object that is missing', async () => {
    const program = trap('remote');
    const blob = sample.git('rev-parse', 'HEAD:app.json').trim();
    const config: [string, string][] = [
      ['core.repositoryFormatVersion', '1'],
      ['extensions.partialClone', 'evil'],
      ['remote.evil.url', `ext::${program}`],
      ['remote.evil.promisor', 'true'],
      ['remote.evil.partialCloneFilter', 'blob:none'],
      ['protocol.ext.allow', 'always'],
      ['protocol.allow', 'always'],
    ];
    for (const [key, value] of config) sample.git('config', key, value);
    const lose = (id: string) => rmSync(`.git/objects/${id.slice(0, 2)}/${id.slice(2)}`);
    const evidence = sample.git('rev-parse', 'HEAD:app.evidence.json').trim();
    lose(evidence);
    // It is not that there is none.
    const half = await refusal('HEAD:app.json');
    expect([half.exitCode, half.code]).toEqual([3, 'git-object-missing']);
    expect(half.message).toContain('HEAD:app.evidence.json');
    lose(blob);
    const error = await refusal('HEAD:app.json');
    expect([error.exitCode, error.code]).toEqual([3, 'git-object-missing']);
    expect(existsSync(at('ran'))).toBe(false);
    // The trap works: git by itself would have run it.
    try {
      execFileSync('git', ['cat-file', 'blob', blob], { env: sample.env, stdio: 'ignore' });
    } catch {
      // It brings no object.
    }
    expect(existsSync(at('ran'))).toBe(true);
  });

  test('cannot put another object in the place of one', async () => {
    const blob = (rev: string) => sample.git('rev-parse', `${rev}:app.json`).trim();
    sample.git('replace', blob('HEAD'), blob('HEAD~2'));
    expect(sample.git('cat-file', 'blob', 'HEAD:app.json')).toBe(fixture(1));
    expect((await profile('HEAD:app.json')).text).toBe(fixture(3));
  });

  const root = process.getuid?.() === 0 ? test : test.skip;
  root('of somebody else is refused, as git refuses it', async () => {
    const all = (folder: string): string[] =>
      readdirSync(folder, { recursive: true }).map((name) => path.join(folder, String(name)));
    for (const file of [sample.dir, ...all(sample.dir)]) chownSync(file, 65534, 65534);
    const error = await refusal('HEAD:app.json');
    expect(error.exitCode).toBe(3);
    expect(error.reason).toMatch(/dubious ownership/);
    expect(error.remedy).toMatch(/safe\.directory/);
  });
});

test('without git it says so', async () => {
  process.env = { ...process.env, PATH: '/nonexistent' };
  const error = await refusal('HEAD:app.json');
  expect([error.exitCode, error.code]).toEqual([4, 'git-failed']);
  expect(error.remedy).toMatch(/Install git/);
});

test('a huge file is refused', async () => {
  writeFileSync('huge.json', Buffer.alloc(65 * 1024 * 1024, 0x20));
  sample.git('add', 'huge.json');
  const error = await refusal(':huge.json');
  expect([error.exitCode, error.code]).toEqual([3, 'file-too-large']);
});
