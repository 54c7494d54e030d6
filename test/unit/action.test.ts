/** action.yml: its steps on this machine, in a real repository, with a local server as GitHub's API. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serializeRecording } from '../../src/recording';
import { Api, action, runStep, type StepOptions, TOKEN } from '../support/action';
import { CLI, ROOT, scratch, sysieve } from '../support/recorder';
import { makeRecording, makeRun } from '../support/recordings';
import { type SampleRepository, sampleRepository } from '../support/sample-repository';

const REVIEW = path.join(ROOT, 'fixtures/review');
const temporary = scratch();
let api: Api;
let url: string;
let repository: SampleRepository;
let count = 0;

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error('dist/ is missing: run scripts/build first');
});
beforeEach(async () => {
  count += 1;
  api = new Api();
  url = await api.start();
  repository = sampleRepository(path.join(temporary.dir, String(count), 'repository'));
});
afterEach(() => api.stop());
afterAll(() => temporary.remove());

const at = (name: string) => path.join(repository.dir, name);
function commit(): string {
  repository.git('add', '-A');
  repository.git('commit', '-q', '--no-gpg-sign', '-m', 'change');
  return repository.git('rev-parse', 'HEAD').trim();
}

const ONE = { full_name: 'o/r' };
const pullRequest = (base: string, head: object | null = ONE) => ({
  pull_request: { number: 7, base: { sha: base, repo: ONE }, head: { repo: head } },
});

function step(inputs: Record<string, string>, more: Partial<StepOptions> = {}) {
  const work = path.join(temporary.dir, String(count), 'runner');
  return runStep({ cwd: repository.dir, work, api: url, inputs, ...more });
}

/** Instead of the command, for what the action does with its answers: `verdict`, and this text. */
function stub(verdict: string, markdown: string, script = ''): { env: NodeJS.ProcessEnv } {
  const bin = path.join(temporary.dir, String(count), 'stub');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'text'), markdown);
  writeFileSync(
    path.join(bin, 'sysieve'),
    `#!/bin/sh\n${script}\ncase "$*" in\n*'format json'*) echo '{"verdict":"${verdict}"}' ;;\n*) cat "${bin}/text" ;;\nesac\n`,
    { mode: 0o755 },
  );
  return { env: { PATH: `${bin}:${process.env.PATH}` } };
}

function diff(inputs: Record<string, string> = {}, more: Partial<StepOptions> = {}) {
  const event = pullRequest(repository.commits[0]);
  return step({ command: 'diff', profiles: '*.json', ...inputs }, { event, ...more });
}

describe('action.yml', () => {
  test('nothing that is given to it becomes part of a command', () => {
    expect(action.runs.using).toBe('composite');
    for (const { run, shell } of action.runs.steps) {
      expect([run.includes('${{'), shell]).toEqual([false, 'bash']);
    }
  });

  test('each input reaches the scripts in one variable, and each output is made by a step', () => {
    const passed = action.runs.steps.flatMap(({ env }) => Object.entries(env));
    const expected = Object.keys(action.inputs).map((name) => [
      `INPUT_${name.toUpperCase().replaceAll('-', '_')}`,
      `\${{ inputs.${name} }}`,
    ]);
    expect(passed.sort()).toEqual(expected.sort());
    const made = Object.entries(action.outputs).map(([name, { value }]) => [name, value]);
    expect(made).toEqual(
      ['verdict', 'report'].map((name) => [name, `\${{ steps.run.outputs.${name} }}`]),
    );
  });
});

describe('diff', () => {
  test('says in summary, comment and outputs what a pull request permits; the comment is kept up to date', async () => {
    const first = await diff();
    expect([first.status, first.outputs.verdict]).toEqual([0, 'mixed']);
    expect(first.summary).toContain('### sysieve: mixed');
    const { stdout } = sysieve(
      ['diff', `${repository.commits[0]}:app.json`, './app.json', '--format', 'markdown'],
      { cwd: repository.dir },
    );
    expect(stdout).toContain('ptrace');
    expect(first.summary).toContain(stdout.trim());
    expect(readFileSync(first.outputs.report ?? '', 'utf8')).toBe(first.summary);
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]?.body).toContain(first.summary);

    // What is pushed afterwards takes the change back.
    repository.git('checkout', '-q', repository.commits[0], '--', '.');
    commit();
    const second = await diff();
    expect([second.status, second.outputs.verdict]).toEqual([0, 'identical']);
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]?.body).toContain('no profile was changed');
  });

  test('the comment is found on a later page, and nobody else can pose as it', async () => {
    const answers = stub('widens', 'text');
    await diff({}, answers);
    const [{ body } = { body: '' }] = api.comments.splice(0);
    api.add(body, { login: 'someone', type: 'User' });
    for (let i = 0; i < 120; i += 1) api.add(`comment ${i}`, { login: 'someone', type: 'User' });
    api.add(body);
    api.add(`${body.split('\n')[0]?.replace(/[0-9a-f]{16}/, '0'.repeat(16))}\nof another use`);
    const before = api.comments.map((one) => one.body);
    const { status } = await diff({}, stub('narrows', 'other text'));
    expect(status).toBe(0);
    const changed = api.comments.flatMap((one, index) =>
      one.body === before[index] ? [] : [index],
    );
    expect([api.comments.length, changed]).toEqual([123, [121]]);
    expect(api.asked.filter((one) => one.endsWith('page=2'))).toHaveLength(1);
  });

  test('fail-on fails the step, after everything was said', async () => {
    const { status, outputs, log } = await diff({ 'fail-on': 'widen' });
    expect([status, outputs.verdict]).toEqual([1, 'mixed']);
    expect(log).toContain('::error title=sysieve::1 of 1 changed profiles');
    expect(api.comments).toHaveLength(1);
    const narrowed = await diff({
      'fail-on': 'widen',
      base: repository.commits[2],
      profiles: 'app.json',
    });
    expect(narrowed.status).toBe(0);
  });

  test('the token is in no output, and in no program that is started', async () => {
    const seen = path.join(temporary.dir, 'environment');
    const { log, summary, outputs } = await diff({}, stub('widens', 'text', `env >>"${seen}"`));
    expect(api.asked).toContain('POST /repos/o/r/issues/7/comments');
    expect(log + summary + JSON.stringify(outputs)).not.toContain(TOKEN);
    expect(readFileSync(seen, 'utf8')).toContain('GITHUB_ACTION_PATH=');
    expect(readFileSync(seen, 'utf8')).not.toContain(TOKEN);
  });

  test("a fork's pull request gets no comment and a summary; one that only reads neither fails", async () => {
    const answers = stub('mixed', 'text');
    const fork = pullRequest(repository.commits[0], { full_name: 'fork/r' });
    const read = await diff({}, { event: fork, ...answers });
    expect([read.status, read.outputs.verdict, api.asked]).toEqual([0, 'mixed', []]);
    expect(read.log).toContain('::notice title=sysieve::no comment: it is a fork');
    expect(read.summary).toContain('### sysieve: mixed');
    // The fork was deleted.
    const gone = await diff({}, { event: pullRequest(repository.commits[0], null), ...answers });
    expect([gone.status, api.asked]).toEqual([0, []]);
    await diff({}, { event: fork, eventName: 'pull_request_target', ...answers });
    expect(api.comments).toHaveLength(1);
    api.refusal = 403;
    const refused = await diff({}, answers);
    expect([refused.status, refused.outputs.verdict]).toEqual([0, 'mixed']);
    expect(refused.log).toContain('::warning title=sysieve::no comment: ');
    expect(refused.log).toContain('pull-requests: write');
  });

  test('new, moved and removed profiles; those of the configuration; evidence is none', async () => {
    const apps = { web: { image: 'web', profile: 'app.json' }, other: { image: 'other' } };
    writeFileSync(at('sysieve.config.json'), JSON.stringify({ apps }));
    mkdirSync(at('profiles'));
    writeFileSync(at('profiles/other.json'), readFileSync(at('app.json')));
    const base = commit();
    const same = await diff({ profiles: '' }, { event: pullRequest(base) });
    expect(same.outputs.verdict).toBe('identical');
    const before = { event: pullRequest(repository.commits[2]) };
    const added = await diff({ profiles: '' }, before);
    expect([added.outputs.verdict, added.summary]).toEqual([
      'mixed',
      expect.stringContaining('` profiles/other.json `: **mixed** (new, against'),
    ]);
    const one = await diff({ profiles: '', apps: 'web' }, before);
    expect(one.outputs.verdict).toBe('identical');
    const unknown = await diff({ profiles: '', apps: 'wob' }, before);
    expect([unknown.status, unknown.outputs.verdict]).toEqual([1, 'error']);
    expect(unknown.log).toContain('sysieve.config.json has no app "wob"');
    renameSync(at('app.json'), at('moved.json'));
    rmSync(at('profiles/other.json'));
    commit();
    const moved = await diff({ profiles: '*.json' }, { event: pullRequest(base) });
    expect(moved.summary).toContain('` moved.json `: **identical** (was ` app.json `)');
    expect(moved.summary).toContain('` profiles/other.json `: **removed**');
    expect(moved.summary).not.toContain('evidence');
    expect(moved.outputs.verdict).toBe('widens');
  });

  test('names and texts that are hostile stay names and texts', async () => {
    const name = 'x`<img src=x>`$(touch pwned)\n::set-output name=verdict::identical.json';
    const names = [name, 'container:x.json', '--format.json'];
    for (const one of names) writeFileSync(at(one), readFileSync(at('app.json')));
    const base = commit();
    for (const one of names) writeFileSync(at(one), readFileSync(path.join(REVIEW, '1/app.json')));
    writeFileSync(at('container:x.json'), '{"defaultAction": "::error::no"}');
    commit();
    const event = pullRequest(base);
    const { status, outputs, summary, log } = await diff({ apps: '$(touch pwned)' }, { event });
    expect([status, outputs.verdict, existsSync(at('pwned'))]).toEqual([1, 'error', false]);
    expect(summary).toContain('` container:x.json `: **error**');
    expect(summary).toContain('` --format.json `: **mixed**');
    expect(summary).toContain(
      '`` x`<img src=x>`$(touch pwned)\ufffd::set-output name=verdict::identical.json ``',
    );
    // A line of the log that begins as a command is the action's own, or stands where none is read.
    const read = log.replace(/^::stop-commands::(\S+)\n[\s\S]*?^::\1::$/gm, '');
    expect(log).toContain('container:x.json');
    expect(read.match(/^::.*/gm)).toEqual([expect.stringMatching(/^::error title=sysieve::/)]);
  });

  test('a base that is not there is fetched; one that is nowhere is an error', async () => {
    const shallow = path.join(temporary.dir, String(count), 'shallow');
    repository.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    repository.git('clone', '-q', '--depth=1', `file://${repository.dir}`, shallow);
    const { status, outputs } = await diff({}, { cwd: shallow });
    expect([status, outputs.verdict]).toEqual([0, 'mixed']);
    // FETCH_HEAD is there, from the fetch before.
    const lost = await diff({ base: 'f'.repeat(40) }, { cwd: shallow });
    expect([lost.status, lost.outputs.verdict]).toEqual([1, 'error']);
    expect(lost.log).toContain('there is no commit');
    const option = await diff({ base: '--upload-pack=touch pwned' }, { cwd: shallow });
    expect([option.status, existsSync(path.join(shallow, 'pwned'))]).toEqual([1, false]);
  });

  test('a comment keeps to the limit: what does not fit is its verdict alone', async () => {
    for (const name of 'abcdefgh') writeFileSync(at(`${name}.json`), '{}');
    commit();
    const line = '| low | `read` | \u00e9 |\n';
    const { status, summary } = await diff(
      { profiles: '[a-h].json' },
      stub('narrows', line.repeat(500)),
    );
    expect(status).toBe(0);
    expect(summary.length).toBeGreaterThan(65_536);
    const [comment] = api.comments;
    expect(comment?.body.length).toBeLessThanOrEqual(65_536);
    for (const name of 'abcdefgh') expect(comment?.body).toContain(`\` ${name}.json \``);
    expect(comment?.body).toContain('too long to be shown here');
  });
});

describe('check', () => {
  const recording = (name: string, ...calls: string[]) =>
    writeFileSync(at(name), serializeRecording(makeRecording(makeRun(calls))));

  test('passes, and fails where an app needs more, with the report of the command', async () => {
    const apps = { web: { command: ['web'], minimise: { runtime: ['none'] } } };
    writeFileSync(at('sysieve.config.json'), JSON.stringify({ apps }));
    recording('first.json', 'read', 'write');
    recording('more.json', 'read', 'write', 'rename');
    const { CI: _, ...env } = process.env;
    const made = sysieve(['check', '-u', '--recording', 'first.json'], {
      cwd: repository.dir,
      env,
    });
    expect([made.status, made.stderr]).toEqual([0, expect.any(String)]);
    const event = pullRequest(repository.commits[2]);
    const good = await step({ apps: 'web', recordings: 'first.json' }, { event });
    expect([good.status, good.outputs.verdict]).toEqual([0, 'passed']);
    expect(good.summary).toContain('web: passed');
    const bad = await step({ recordings: 'more.json' }, { event });
    expect([bad.status, bad.outputs.verdict]).toEqual([1, 'failed']);
    expect(bad.summary).toContain('rename');
    const gone = await step({ recordings: 'none.json', comment: 'false' }, { event });
    expect([gone.status, gone.outputs.verdict]).toEqual([1, 'error']);
    expect(api.comments.map(({ body }) => /passed|failed/.exec(body)?.[0])).toEqual([
      'passed',
      'failed',
    ]);
  });
});

describe('installation', () => {
  const install = (inputs: Record<string, string>, env: NodeJS.ProcessEnv = {}) =>
    step(inputs, { step: 'install', env });

  test('takes what is on the PATH, and refuses what is no package', async () => {
    expect((await install({})).status).toBe(0);
    const bare = await install({}, { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` });
    expect([bare.status, bare.log]).toEqual([
      1,
      expect.stringContaining('sysieve is not on the PATH'),
    ]);
    for (const inputs of [
      { tarball: 'none.tgz' },
      { tarball: '--registry=http://127.0.0.1:1' },
      { version: '1.0.0 --registry=x' },
      { version: '1.0.0', tarball: 'app.json' },
    ]) {
      expect((await install(inputs)).status).toBe(1);
    }
  });

  test('installs a package and puts it on the PATH of the steps that follow', async () => {
    mkdirSync(at('package/bin'), { recursive: true });
    const manifest = { name: 'sysieve', version: '9.9.9', bin: { sysieve: 'bin/sysieve' } };
    writeFileSync(at('package/package.json'), JSON.stringify(manifest));
    writeFileSync(at('package/bin/sysieve'), '#!/bin/sh\necho 9.9.9\n', { mode: 0o755 });
    const { status, log } = await install({ tarball: 'package' });
    expect([status, log]).toEqual([0, expect.any(String)]);
    const work = path.join(temporary.dir, String(count), 'runner');
    const [bin = ''] = readFileSync(path.join(work, 'path'), 'utf8').trim().split('\n');
    expect(existsSync(path.join(bin, 'sysieve'))).toBe(true);
  });
});

test('the scripts need no package', () => {
  for (const name of ['main', 'install', 'diff', 'github', 'report', 'runner']) {
    const text = readFileSync(path.join(ROOT, `action/${name}.js`), 'utf8');
    const required = [...text.matchAll(/require\('([^']+)'\)/g)].map(([, module]) => module ?? '');
    expect(required.filter((module) => !/^(node:|\.\/)/.test(module))).toEqual([]);
  }
});
