/** Containers of runc and crun themselves, found by their state directories and recorded. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Recording, Run } from '../../src/recording/schema';
import { ALLOW_ALL, type BundleRuntime, startBundles } from '../support/bundles';
import { Recorder, sysieveIn } from '../support/engine-sysieve';
import { until } from '../support/engines';
import { privileged } from '../support/recorder';

const SETUP_CALLS = ['mount', 'pivot_root', 'unshare', 'setns', 'sethostname', 'capset'];
const LOOP = 'while true; do mkdir /tmp/a; rmdir /tmp/a; sleep 0.05; done';

const shell = (script: string) => ['/bin/sh', '-c', script];
const only = ({ runs }: Recording): Run => {
  const [run, ...more] = runs;
  if (run === undefined || more.length > 0) throw new Error(`${runs.length} runs`);
  return run;
};
const application = (run: Run) =>
  run.calls.filter((c) => c.phases.includes('steady')).map((c) => c.name ?? String(c.number));
const count = (run: Run, name: string) => run.calls.find((c) => c.name === name)?.count ?? 0;

privileged.each(['runc', 'crun'] as const)('containers of %s by its state', (name) => {
  const dir = mkdtempSync(path.join(tmpdir(), `sysieve-${name}-`));
  const files = path.join(dir, 'files');
  const at = (file: string) => path.join(files, `${file}.json`);
  let runtime: BundleRuntime;
  const options = (id: string) => [
    ...['--container', id, '--engine', name],
    ...['--state-dir', runtime.state],
  ];
  const record = (id: string, ...more: string[]) =>
    Recorder.launch(process.env, [...options(id), ...more], at(id));

  beforeAll(async () => {
    runtime = await startBundles(dir, name);
    mkdirSync(files);
  });
  afterEach(() => Recorder.abandonAll());
  afterAll(async () => {
    await runtime?.stop();
  });

  test.each([
    ['filter', false],
    ['filter', true],
    ['none', false],
  ] as const)('from create on: filter %s, no_new_privs %s', async (filter, noNewPrivileges) => {
    const id = `made-${filter}-${noNewPrivileges}`;
    const script = shell('mkdir /tmp/one; exec /bin/sleep 1000');
    const seccomp = filter === 'filter' ? { seccomp: ALLOW_ALL } : {};
    await runtime.create(id, script, { noNewPrivileges, ...seccomp });
    const recorder = await record(id);
    await runtime.start(id);
    await until(
      'it to be up',
      5_000,
      async () => (await runtime.run('exec', id, '/bin/ls', '/tmp/one')).code === 0,
    );
    const entered = await runtime.run('exec', id, ...shell('rmdir /tmp/one'));
    expect([entered.code, entered.stderr]).toEqual([0, '']);
    await runtime.kill(id);
    const run = only(await recorder.ended());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, attachedLate: null });
    expect(run.target).toMatchObject({ kind: 'container', engine: name, name: id, image: null });
    expect(run.host.runtime?.name).toBe(name);
    expect(run.executables).toEqual(expect.arrayContaining(['/bin/sh', '/bin/sleep', '/bin/ls']));
    expect(run.executables.filter((file) => file.includes(name))).toEqual([]);
    expect([count(run, 'mkdir'), count(run, 'rmdir')]).toEqual([1, 1]);
    for (const call of SETUP_CALLS) expect(application(run)).not.toContain(call);
    await runtime.remove(id);
  });

  test.each(['filter', 'none'] as const)(
    'what is executed in it before its entrypoint is no start: filter %s',
    async (filter) => {
      const id = `before-${filter}`;
      const seccomp = filter === 'filter' ? { seccomp: ALLOW_ALL } : {};
      await runtime.create(id, shell(`mkdir /tmp/${id}; exec /bin/sleep 1000`), seccomp);
      const recorder = await record(id);
      // An engine refuses it, and comes to it all the same: its container runs as soon as the
      // entrypoint is about to be executed.
      const early = shell('mkdir /tmp/early; rmdir /tmp/early');
      const entered = await runtime.run('exec', id, ...early);
      expect([entered.code, entered.stderr]).toEqual([0, '']);
      await runtime.start(id);
      await until(
        'it to be up',
        5_000,
        async () => (await runtime.run('exec', id, '/bin/ls', `/tmp/${id}`)).code === 0,
      );
      await runtime.kill(id);
      const run = only(await recorder.ended());
      expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
      expect([count(run, 'mkdir'), count(run, 'rmdir')]).toEqual([2, 1]);
      for (const call of SETUP_CALLS) expect(application(run)).not.toContain(call);
      await runtime.remove(id);
    },
  );

  test('one that runs already; another in a cgroup of the same name is not it', async () => {
    await runtime.create('same', shell(LOOP), { seccomp: ALLOW_ALL });
    await runtime.start('same');
    const recorder = await record('same');
    const elsewhere = `/sysieve-${path.basename(dir)}/elsewhere/same`;
    const busy = shell('while true; do chmod 700 /tmp; sleep 0.05; done');
    await runtime.create('other', busy, { seccomp: ALLOW_ALL, cgroupsPath: elsewhere });
    await runtime.start('other');
    await until(
      'it to be up',
      5_000,
      async () => (await runtime.run('exec', 'other', '/bin/true')).code === 0,
    );
    const run = only(await recorder.stop());
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 0 });
    expect(run.completeness.attachedLate).not.toBeNull();
    expect(application(run)).toContain('mkdir');
    expect(application(run)).not.toContain('chmod');
    await runtime.remove('same');
    await runtime.remove('other');
  });

  test('made anew under its id: that is another container, and the recording ends', async () => {
    await runtime.create('twice', shell(LOOP), { seccomp: ALLOW_ALL });
    const recorder = await record('twice');
    await runtime.start('twice');
    await runtime.remove('twice');
    await runtime.create('twice', shell('chmod 700 /tmp'), { seccomp: ALLOW_ALL });
    await runtime.start('twice');
    const run = only(await recorder.ended());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1 });
    expect(application(run)).not.toContain('chmod');
    await runtime.remove('twice');
  });

  test('a stopped one is found; none, and one in a cgroup named like its parent, are refused', async () => {
    await runtime.create('ended', shell('true'));
    await runtime.start('ended');
    const state = async () => JSON.parse((await runtime.run('state', 'ended')).stdout).status;
    await until('its end', 5_000, async () => (await state()) === 'stopped');
    const diff = await sysieveIn(
      process.env,
      'diff',
      'default:docker',
      'container:ended',
      '--engine',
      name,
    );
    expect(diff.code).toBe(3);
    await runtime.remove('ended');
    const none = await sysieveIn(process.env, 'record', ...options('none'), '-o', at('none'));
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining(`${name} list`)]);
    const nested = `/sysieve-${path.basename(dir)}/nested/nested`;
    await runtime.create('nested', shell('true'), { cgroupsPath: nested });
    const refused = await sysieveIn(process.env, 'record', ...options('nested'), '-o', at('none'));
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('--cgroup PATH')]);
    await runtime.remove('nested');
  });
});
