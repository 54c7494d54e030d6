/** The OCI hook under real runtimes: from the first instruction, with --rm, and where it must not go. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseProfile } from '../../src/profile';
import { parseRecording } from '../../src/recording';
import { type CliResult, startPodman, type TestEngine, until } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { CLI, sysieve as command, privileged, scratch } from '../support/recorder';

const PROFILE = 'io.containers.trace-syscall';
const RECORD = 'io.sysieve.record';
const BUSYBOX = ['/bin/busybox'];
const IMAGE = imageRef('busybox');

const permitted = (path: string): string[] =>
  parseProfile(readFileSync(path, 'utf8'), path).syscalls.flatMap(({ names, action }) =>
    action === 'SCMP_ACT_ALLOW' ? names : [],
  );

privileged.each(['crun', 'runc'] as const)('the hook under podman and %s', (runtime) => {
  const space = scratch();
  const at = (...names: string[]): string => join(space.dir, ...names);
  const out = (name: string): string => at('out', name);
  const env = { ...process.env, SYSIEVE_BPFFS: at('bpffs'), SYSIEVE_RUNTIME_DIR: at('run') };
  let engine: TestEngine;

  function install(directory: string, ...more: string[]): void {
    mkdirSync(at(directory));
    const args = ['hook', '--print-config', '--output-dir', at('out'), '--log', at('log'), ...more];
    const { status, stdout, stderr } = command(args, { env });
    if (status !== 0) throw new Error(stderr);
    writeFileSync(at(directory, 'sysieve.json'), stdout);
  }

  beforeAll(async () => {
    for (const name of ['bpffs', 'run', 'out']) mkdirSync(at(name), { mode: 0o700 });
    execFileSync('mount', ['-t', 'bpf', 'bpf', at('bpffs')]);
    install('hooks');
    install('closed', '--fail-closed');
    engine = await startPodman(mkdtempSync(join(tmpdir(), 'sysieve-engine-')), runtime);
    await importImages(engine, ['busybox']);
  });

  afterAll(async () => {
    await engine?.stop();
    execFileSync('umount', [at('bpffs')]);
    space.remove();
  });

  /** A container that is removed when it has ended. */
  function run(
    annotations: Record<string, string>,
    args: readonly string[],
    { hooks = 'hooks', options = [] as string[] } = {},
  ): Promise<CliResult> {
    const given = Object.entries(annotations).flatMap(([name, value]) => [
      '--annotation',
      `${name}=${value}`,
    ]);
    return engine.tryCli(
      ...['--hooks-dir', at(hooks), 'run', '--rm', '--network=none', ...engine.createArgs],
      ...[...given, ...options, IMAGE, ...args],
    );
  }

  const log = (): string => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '');
  const sessions = (): unknown[] =>
    JSON.parse(command(['sessions', '--json'], { env }).stdout).sessions;

  test('records from the first instruction, with --rm, and makes a profile that serves', async () => {
    const annotations = { [PROFILE]: `of:${out('ls.json')}`, [RECORD]: `of:${out('ls.rec.json')}` };
    const first = await run(annotations, ['/bin/ls', '/']);
    expect([first.code, log()]).toEqual([0, expect.stringContaining('written to')]);
    const { runs } = parseRecording(readFileSync(out('ls.rec.json'), 'utf8'), 'ls.rec.json');
    expect(runs).toHaveLength(1);
    expect(runs[0]?.target).toMatchObject({ kind: 'container', engine: 'podman' });
    expect(runs[0]?.executables).toEqual(['/bin/ls']);
    expect(runs[0]?.completeness).toMatchObject({
      ...{ complete: true, startsSeen: 1, attachedLate: null, deniedSinceMs: 0 },
    });
    expect(permitted(out('ls.json'))).toEqual(expect.arrayContaining(['execve', 'exit_group']));
    expect(permitted(out('ls.json'))).not.toContain('mkdir');
    expect(existsSync(out('ls.evidence.json'))).toBe(true);
    expect(readdirSync(at('out')).filter((name) => name.endsWith('.failed.txt'))).toEqual([]);
    expect(sessions()).toEqual([]);
    expect(readdirSync(at('bpffs', 'sysieve'))).toEqual([]);

    const under = { options: ['--security-opt', `seccomp=${out('ls.json')}`] };
    expect(await run({}, ['/bin/ls', '/'], under)).toMatchObject({ code: 0, stdout: first.stdout });
    const refused = await run({}, [...BUSYBOX, 'mkdir', '/x'], under);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/not permitted/)]);

    // What it makes extends another one, and the recording keeps both runs.
    const extended = {
      [PROFILE]: `if:${out('ls.json')};of:${out('both.json')}`,
      [RECORD]: `of:${out('ls.rec.json')}`,
    };
    expect((await run(extended, [...BUSYBOX, 'mkdir', '/x'])).code).toBe(0);
    const both = permitted(out('both.json'));
    expect(both).toEqual(expect.arrayContaining([...permitted(out('ls.json')), 'mkdir']));
    expect(parseRecording(readFileSync(out('ls.rec.json'), 'utf8'), '').runs).toHaveLength(2);
  });

  test('writes nowhere but below its directories, through no link', async () => {
    mkdirSync(at('elsewhere'), { recursive: true });
    writeFileSync(at('elsewhere', 'shadow'), 'precious');
    symlinkSync(at('elsewhere'), out('link'));
    symlinkSync(at('elsewhere', 'shadow'), out('shadow.json'));
    const paths = [
      at('elsewhere', 'shadow'),
      'relative.json',
      `${at('out')}/../elsewhere/shadow`,
      out('link/shadow'),
      `${at('out')}x/shadow`,
    ];
    for (const path of paths) {
      const { code, stdout } = await run({ [RECORD]: `of:${path}` }, [
        ...BUSYBOX,
        'echo',
        'served',
      ]);
      expect([path, code, stdout]).toEqual([path, 0, 'served\n']);
    }
    // A link in the file's own place is only seen as it is written.
    expect((await run({ [RECORD]: `of:${out('shadow.json')}` }, ['/bin/true'])).code).toBe(0);
    expect(readdirSync(at('elsewhere'))).toEqual(['shadow']);
    expect(readFileSync(at('elsewhere', 'shadow'), 'utf8')).toBe('precious');
    const notes = readdirSync(at('out')).filter((name) => name.endsWith('.failed.txt'));
    expect(notes.filter((name) => /^[0-9a-f]{64}\.failed\.txt$/.test(name))).toHaveLength(
      paths.length,
    );
    expect(notes).toContain('shadow.json.failed.txt');
    expect(log()).toMatch(/is not a path that this hook may use/);
    expect(sessions()).toEqual([]);
  });

  test('fails open with a note beside the output, and closed where it is told so', async () => {
    const broken = { [PROFILE]: `of:${out('broken.json')};if:${out('missing.json')}` };
    expect((await run(broken, ['/bin/true'])).code).toBe(0);
    expect(existsSync(out('broken.json'))).toBe(false);
    expect(readFileSync(out('broken.json.failed.txt'), 'utf8')).toMatch(/no such profile/);
    // What was recorded is kept all the same, and the note goes with the next success.
    expect(
      parseRecording(readFileSync(out('broken.json.recording.json'), 'utf8'), '').runs,
    ).toHaveLength(1);
    expect((await run({ [PROFILE]: `of:${out('broken.json')}` }, ['/bin/true'])).code).toBe(0);
    expect(existsSync(out('broken.json.failed.txt'))).toBe(false);

    const misspelt = { [RECORD]: `off:${out('x.json')}` };
    expect((await run(misspelt, [...BUSYBOX, 'echo', 'served'])).stdout).toBe('served\n');
    const closed = await run(misspelt, [...BUSYBOX, 'echo', 'served'], { hooks: 'closed' });
    expect([closed.code === 0, closed.stdout]).toEqual([false, '']);
    const asked = { [RECORD]: 'of:/etc/x.json;fail:closed' };
    expect((await run(asked, [...BUSYBOX, 'echo', 'served'])).stdout).toBe('');
    expect(existsSync('/etc/x.json')).toBe(false);
    expect(sessions()).toEqual([]);
  });

  test('a detached recording goes on over a restart of its container', async () => {
    const name = 'restarted';
    await engine.cli(
      'create',
      '--name',
      name,
      '--network=none',
      ...engine.createArgs,
      IMAGE,
      '/bin/sleep',
      '1000',
    );
    const environment = { ...engine.env, ...env, CONTAINER_HOST: `unix://${engine.socket}` };
    const sysieve = (...args: string[]) => command(args, { env: environment });
    const args = ['--container', name, '--engine', 'podman', '--session-name', name];
    expect(sysieve('record', '--detach', ...args).status).toBe(0);
    for (let start = 1; start <= 2; start++) {
      await engine.cli('start', name);
      await until('its start is seen', 10_000, () => {
        const [session] = JSON.parse(sysieve('sessions', '--json').stdout).sessions;
        return session.state === 'running' && session.live === 1;
      });
      await engine.cli('kill', '-s', 'KILL', name);
      await engine.cli('wait', name);
    }
    await engine.cli('rm', name);
    const [session] = JSON.parse(sysieve('sessions', '--json').stdout).sessions;
    expect(session).toMatchObject({ id: name, state: 'target-gone' });
    expect(sysieve('stop', name, '-o', out('restarted.json')).status).toBe(0);
    const [recorded] = parseRecording(readFileSync(out('restarted.json'), 'utf8'), '').runs;
    expect(recorded?.completeness).toMatchObject({ complete: true, startsSeen: 2 });
    expect(recorded?.host.runtime?.name).toBe(runtime);
  });
});

test('what is printed for hooks.d runs this command', () => {
  const printed = command([
    'hook',
    '--print-config',
    '--output-dir',
    '/var/lib/x',
    '--when',
    'always',
  ]);
  const config = JSON.parse(printed.stdout);
  expect(config).toMatchObject({ version: '1.0.0', when: { always: true } });
  expect(config.stages).toEqual(['createRuntime', 'poststop']);
  expect([config.hook.path, config.hook.args[1]]).toEqual([process.execPath, CLI]);
  expect(config.hook.args).toEqual(expect.arrayContaining(['--always', '/var/lib/x']));
});
