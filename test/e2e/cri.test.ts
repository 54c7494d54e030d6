/** Recordings of pods on Debian's containerd, by the CRI, as kubelet starts and restarts them. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Recording, Run } from '../../src/recording/schema';
import { type CriEngine, startCri } from '../support/cri';
import { deniedCalls, Recorder, sysieveIn } from '../support/engine-sysieve';
import { until } from '../support/engines';
import { privileged } from '../support/recorder';

const SOAK = process.env.SYSIEVE_SOAK === '1';
const RESTARTS = SOAK ? 60 : 10;

jest.setTimeout(SOAK ? 900_000 : 240_000);

/** What a runtime calls to set a container up; an application of busybox never does. */
const SETUP_CALLS = ['mount', 'pivot_root', 'unshare', 'setns', 'sethostname', 'capset'];

const shell = (script: string) => ['/bin/sh', '-c', script];
const only = ({ runs }: Recording): Run => {
  const [run, ...more] = runs;
  if (run === undefined || more.length > 0) throw new Error(`${runs.length} runs`);
  return run;
};
const application = (run: Run) =>
  run.calls.filter((c) => c.phases.includes('steady')).map((c) => c.name ?? String(c.number));
const count = (run: Run, name: string) => run.calls.find((c) => c.name === name)?.count ?? 0;

/**
 * A node that is busy may let a restart go by before its container is followed. Then the run says so;
 * one that says nothing has every start and all that it did.
 */
function expectSeenOrSaid(run: Run, starts: number, made: number): void {
  const { complete, startsSeen, blindSpots } = run.completeness;
  const { completeness } = run;
  expect([complete, completeness]).toEqual([!blindSpots.includes('start-unseen'), completeness]);
  if (complete) {
    expect(startsSeen).toBe(starts);
    expect(count(run, 'mkdir')).toBe(made);
  } else expect(startsSeen).toBeGreaterThanOrEqual(Math.floor(starts / 2));
}

privileged('pods, by the CRI', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sysieve-cri-'));
  const files = path.join(dir, 'files');
  const at = (name: string) => path.join(files, `${name}.json`);
  let cri: CriEngine;
  const record = (ref: string, file: string, ...more: string[]) =>
    Recorder.launch(cri.env, ['--pod', ref, ...more], at(file));
  const exited = (id: string) =>
    until(`${id} to end`, 10_000, async () => (await cri.state(id)) === 'exited');

  beforeAll(async () => {
    cri = await startCri(dir);
    mkdirSync(files);
  });
  afterEach(() => Recorder.abandonAll());
  afterAll(async () => {
    await cri?.stop();
  });

  test('from its first instruction, with what is executed in it, to the end of the pod', async () => {
    const pod = await cri.runPod('default/first');
    const id = await cri.create(pod, 'app', shell('mkdir /tmp/one; exec /bin/sleep 1000'));
    const recorder = await record('default/first', 'first');
    await cri.start(id);
    expect(await cri.exec(id, ...shell('rmdir /tmp/one'))).toBe(0);
    await cri.removePod(pod);
    const run = only(await recorder.ended());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, attachedLate: null });
    expect(run.target).toMatchObject({ kind: 'pod', engine: 'cri', name: 'default/first/app', id });
    expect(run.host.runtime).toMatchObject({ name: 'runc' });
    expect(run.executables).toEqual(expect.arrayContaining(['/bin/sh', '/bin/sleep']));
    expect(application(run)).toEqual(expect.arrayContaining(['mkdir', 'rmdir']));
    for (const name of SETUP_CALLS) expect(application(run)).not.toContain(name);
  });

  test.each([
    ['default', false],
    ['default', true],
    ['unconfined', false],
  ] as const)(
    '%s filter, no_new_privs %s: every restart is seen, beside a sidecar',
    async (seccomp, noNewPrivs) => {
      const name = `again-${seccomp}-${noNewPrivs}`;
      const pod = await cri.runPod(`default/${name}`);
      const busy = shell('while true; do chmod 700 /tmp; sleep 0.02; done');
      const beside = await cri.create(pod, 'sidecar', busy);
      await cri.start(beside);
      const script = shell('mkdir /tmp/one; exec /bin/sleep 1000');
      const options = { seccomp, noNewPrivs };
      let id = await cri.create(pod, 'app', script, options);
      const recorder = await record(`default/${name}/app`, name);
      await cri.start(id);
      await until('it', 5_000, async () => (await cri.exec(id, '/bin/ls', '/tmp/one')) === 0);
      for (let attempt = 1; attempt <= RESTARTS; attempt++) {
        // As kubelet does: the container's end, then a new one at once, the old one left for a while.
        const old = id;
        await cri.stopContainer(old);
        id = await cri.create(pod, 'app', script, { ...options, attempt });
        await cri.start(id);
        await cri.removeContainer(old);
        // Killed before its entrypoint is executed, it would have no start to see.
        await until(
          'its start',
          5_000,
          async () => (await cri.exec(id, '/bin/ls', '/tmp/one')) === 0,
        );
      }
      const run = only(await recorder.stop());
      await cri.removePod(pod);
      expectSeenOrSaid(run, RESTARTS + 1, RESTARTS + 1);
      expect(count(run, 'chmod')).toBe(0);
      for (const call of SETUP_CALLS) expect(application(run)).not.toContain(call);
    },
  );

  test('a container that crashes at once, again and again', async () => {
    const pod = await cri.runPod('default/crash');
    const script = shell('mkdir /tmp/one; exit 1');
    let id = await cri.create(pod, 'app', script);
    const recorder = await record('default/crash', 'crash');
    await cri.start(id);
    for (let attempt = 1; attempt <= RESTARTS; attempt++) {
      await exited(id);
      id = await cri.create(pod, 'app', script, { attempt });
      await cri.start(id);
    }
    await exited(id);
    await until('the last to be told', 5_000, () => recorder.said.includes(id.slice(0, 12)));
    const run = only(await recorder.stop());
    await cri.removePod(pod);
    expectSeenOrSaid(run, RESTARTS + 1, RESTARTS + 1);
  });

  test('a restart that the recorder could not see makes the run incomplete', async () => {
    const pod = await cri.runPod('default/unseen');
    const script = shell('mkdir /tmp/one; exec /bin/sleep 1000');
    const first = await cri.create(pod, 'app', script);
    const recorder = await record('default/unseen', 'unseen');
    await cri.start(first);
    await until('the first start to be told', 5_000, () => recorder.said.includes('was started'));
    recorder.signal('SIGSTOP');
    await cri.stopContainer(first);
    const second = await cri.create(pod, 'app', script, { attempt: 1 });
    await cri.start(second);
    await until(
      'it to be up',
      5_000,
      async () => (await cri.exec(second, '/bin/ls', '/tmp/one')) === 0,
    );
    recorder.signal('SIGCONT');
    await until('the new one to be told', 5_000, () => recorder.said.includes(second.slice(0, 12)));
    const run = only(await recorder.stop());
    await cri.removePod(pod);
    expect(recorder.said).toContain('NOT complete: a restart of it was not seen');
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 1 });
    expect(run.completeness.blindSpots).toContain('start-unseen');
    const refused = await sysieveIn(cri.env, 'minimise', at('unseen'), '-o', at('none'));
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('a restart of it')]);
  });

  test('several containers: which one has to be said; work that is done does not count', async () => {
    const pod = await cri.runPod('shop/cart');
    const init = await cri.create(pod, 'init', shell('true'));
    await cri.start(init);
    await exited(init);
    const app = await cri.create(
      pod,
      'app',
      shell('while true; do mkdir /tmp/a; rmdir /tmp/a; sleep 0.05; done'),
    );
    const recorder = await record('shop/cart', 'one');
    await cri.start(app);
    const proxy = await cri.create(
      pod,
      'proxy',
      shell('while true; do chmod 700 /tmp; sleep 0.05; done'),
    );
    const refused = await sysieveIn(cri.env, 'record', '--pod', 'shop/cart', '-o', at('no'));
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('the pod shop/cart has 2 containers: app, proxy');
    const other = await record('shop/cart/proxy', 'two');
    await cri.start(proxy);
    await until('both at work', 5_000, async () => (await cri.exec(proxy, '/bin/true')) === 0);
    const [one, two] = [only(await recorder.stop()), only(await other.stop())];
    await cri.removePod(pod);
    expect(application(one)).toContain('mkdir');
    expect(application(one)).not.toContain('chmod');
    expect(application(two)).toContain('chmod');
    expect(application(two)).not.toContain('mkdir');
    expect([one.completeness.complete, two.completeness.complete]).toEqual([true, true]);
  });

  test('attached late, then restarted; a container that is not made yet', async () => {
    const pod = await cri.runPod('default/late');
    const waiting = await record('default/late/later', 'waiting');
    expect(waiting.said).toContain('waiting for its start');
    const script = shell('while true; do mkdir /tmp/a; rmdir /tmp/a; sleep 0.05; done');
    const first = await cri.create(pod, 'app', script);
    await cri.start(first);
    // By its id alone, and for all that an id of it is its successor's.
    const options = ['--container', first.slice(0, 16), '--engine', 'cri'];
    const recorder = await Recorder.launch(cri.env, options, at('late'));
    await cri.stopContainer(first);
    const second = await cri.create(pod, 'app', script, { attempt: 1 });
    await cri.start(second);
    const later = await cri.create(pod, 'later', shell('mkdir /tmp/one; exec /bin/sleep 1000'));
    await cri.start(later);
    await until(
      'it to be up',
      5_000,
      async () => (await cri.exec(later, '/bin/ls', '/tmp/one')) === 0,
    );
    const run = only(await recorder.stop());
    const made = only(await waiting.stop());
    await cri.removePod(pod);
    expectSeenOrSaid(run, 1, count(run, 'mkdir'));
    expect(run.completeness.attachedLate).not.toBeNull();
    expectSeenOrSaid(made, 1, 1);
    expect(made.completeness.attachedLate).toBeNull();
  });

  test('a profile of the recording serves the pod that is made anew under it', async () => {
    const pod = await cri.runPod('default/served');
    const script = shell('mkdir /tmp/one && rmdir /tmp/one && echo served; exec /bin/sleep 1000');
    const open = await cri.create(pod, 'app', script);
    const recorder = await record('default/served', 'served');
    await cri.start(open);
    await cri.stopContainer(open);
    await recorder.stop();
    const profile = path.join(files, 'served-profile.json');
    const made = await sysieveIn(cri.env, 'minimise', at('served'), '-o', profile);
    expect([made.code, made.stderr]).toEqual([0, expect.any(String)]);
    const closed = await cri.create(pod, 'app', script, {
      attempt: 1,
      seccomp: { localhost: profile },
    });
    const again = await record('default/served/app', 'again', '--denied');
    await cri.start(closed);
    const diff = await sysieveIn(cri.env, 'diff', profile, 'pod:default/served/app');
    expect([diff.code, diff.stdout]).toEqual([0, expect.stringMatching(/identical|equivalent/)]);
    await cri.stopContainer(closed);
    const recording = await again.stop();
    await cri.removePod(pod);
    expect(only(recording).completeness).toMatchObject({ complete: true, startsSeen: 1 });
    expect(count(only(recording), 'rmdir')).toBe(1);
    expect(deniedCalls(recording, profile)).toMatchObject({ refused: [], watched: true });
  });
});
