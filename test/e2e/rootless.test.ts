/** Podman of a user: what sysieve records of it as root and as that user, and what it refuses. */
import { mkdirSync, mkdtempSync, readFileSync, statfsSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Recording, Run } from '../../src/recording/schema';
import { Recorder, sysieveIn } from '../support/engine-sysieve';
import { plainEnv, runCommand, until } from '../support/engines';
import { privileged } from '../support/recorder';
import { type RootlessPodman, startRootless } from '../support/rootless';

const CGROUP2_MAGIC = 0x63677270;
const V2_ALONE = statfsSync('/sys/fs/cgroup').type === CGROUP2_MAGIC;
const LOOP = 'while true; do mkdir /tmp/a; rmdir /tmp/a; sleep 0.05; done';

const only = ({ runs }: Recording): Run => {
  const [run, ...more] = runs;
  if (run === undefined || more.length > 0) throw new Error(`${runs.length} runs`);
  return run;
};
const application = (run: Run) =>
  run.calls.filter((c) => c.phases.includes('steady')).map((c) => c.name ?? String(c.number));

privileged('podman without root', () => {
  let user: RootlessPodman;
  let files: string;
  const asRoot = () => ({ ...plainEnv(), CONTAINER_HOST: `unix://${user.socket}` });
  const named = (name: string) => ['--container', name, '--engine', 'podman'];

  beforeAll(async () => {
    user = await startRootless(mkdtempSync(path.join(tmpdir(), 'sysieve-rootless-')));
    files = mkdtempSync(path.join(user.dir, 'files-'));
    const rest = ['--network=none', 'localhost/busybox:latest', '/bin/sh', '-c', LOOP];
    await user.podman('run', '-d', '--name', 'web', ...rest);
    await user.podman('create', '--name', 'stopped', ...rest);
  });
  afterEach(() => Recorder.abandonAll());
  afterAll(async () => {
    await user?.stop();
  });

  test('as root by its socket: what runs is recorded, and a restart that does not show is told', async () => {
    const file = path.join(files, 'root.json');
    const recorder = await Recorder.launch(asRoot(), named('web'), file);
    const executed = await user.as(
      user.env,
      'podman',
      'exec',
      'web',
      '/bin/sh',
      '-c',
      'chmod 700 /tmp',
    );
    expect(executed.code).toBe(0);
    await user.podman('restart', '-t', '0', 'web');
    await until('the restart to be told', 5_000, () => recorder.said.includes('was started'));
    const run = only(await recorder.stop());
    expect(application(run)).toEqual(expect.arrayContaining(['mkdir', 'chmod']));
    expect(run.completeness).toMatchObject({ complete: false });
    expect(run.completeness.attachedLate).not.toBeNull();
    if (!V2_ALONE) expect(run.completeness.blindSpots).toContain('start-unseen');
  });

  // With cgroup v2 alone it has a cgroup, by which its start shows as under root's podman.
  (V2_ALONE ? test.skip : test)('a start that would not show is refused', async () => {
    const out = path.join(files, 'stopped.json');
    const refused = await sysieveIn(asRoot(), 'record', ...named('stopped'), '-o', out);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('rootless on a host with cgroup v1');
  });

  const main = () => path.join(user.dir, 'sysieve/dist/cli/main.js');
  const asUser = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    user.as(env, process.execPath, main(), 'record', ...named('web'), ...args);

  test('as the user by the command: by ptrace, or with the reason why not', async () => {
    const file = path.join(files, 'user.json');
    await runCommand('chown', [user.name, files]);
    const done = await asUser(user.env, '--tracer', 'ptrace', '--duration', '500ms', '-o', file);
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('NOT complete')]);
    const run = only(JSON.parse(readFileSync(file, 'utf8')) as Recording);
    expect(application(run)).toContain('mkdir');
    expect(run.completeness.blindSpots).toContain('entrants-unseen');
    const refused = await asUser(user.env, '--tracer', 'ebpf', '-o', file);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('not permitted')]);
  });

  test('what its podman lacks is named', async () => {
    // From nothing: the process that keeps its user namespace would serve in place of newuidmap.
    const fresh = mkdtempSync(path.join(user.dir, 'fresh-'));
    const bin = path.join(fresh, 'bin');
    mkdirSync(bin);
    symlinkSync('/usr/bin/podman', path.join(bin, 'podman'));
    await runCommand('chown', ['-R', user.name, fresh]);
    const places = ['HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'];
    const env = { ...user.env, PATH: bin, ...Object.fromEntries(places.map((p) => [p, fresh])) };
    const refused = await asUser(env, '--tracer', 'ptrace', '-o', path.join(files, 'none.json'));
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/cause: .*newuidmap/);
    expect(refused.stderr).toContain('the package uidmap');
  });
});
