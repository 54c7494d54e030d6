/** The container image, run as the manifests of deploy/openshift say, records pods of a containerd. */
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseReach } from '../../src/reach';
import { parseRecording } from '../../src/recording';
import type { Recording, Run } from '../../src/recording/schema';
import { buildImage, IMAGE } from '../support/container-image';
import { type CriEngine, startCri } from '../support/cri';
import { startPodman, type TestEngine, until } from '../support/engines';
import { podmanArgs, podSpec } from '../support/manifests';
import { privileged, type Running, startUntil } from '../support/recorder';

const SCRIPT = '/etc/sysieve/recorder.js';
const APP = ['/bin/sh', '-c', 'mkdir /tmp/one; exec /bin/sleep 1000'];

/** A node that is busy may let a start go by before its container is followed; then the run says so. */
function expectSeenOrSaid({ calls, completeness }: Run, starts: number): void {
  const { complete, startsSeen, blindSpots } = completeness;
  expect(complete).toBe(!blindSpots.includes('start-unseen'));
  if (!complete) return;
  const made = calls.find(({ name }) => name === 'mkdir')?.count;
  expect([startsSeen, made]).toEqual([starts, starts]);
}

privileged('the container image', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sysieve-image-test-'));
  const crio = path.join(dir, 'crio');
  let cri: CriEngine;
  let podman: TestEngine;

  beforeAll(async () => {
    mkdirSync(crio);
    [cri, podman] = await Promise.all([
      // Their cgroups are named after these folders.
      startCri(path.join(dir, `${path.basename(dir)}-cri`)),
      startPodman(path.join(dir, `${path.basename(dir)}-podman`), 'runc'),
    ]);
    linkSync(cri.socket, path.join(crio, 'crio.sock'));
    await buildImage(podman, dir);
  });
  afterAll(async () => {
    await podman?.stop();
    await cri?.stop();
    rmSync(dir, { recursive: true });
  });

  /** Resolves when it has said so. */
  function start(
    workload: 'job/job.yaml' | 'daemonset/daemonset.yaml',
    name: string,
    pod: string,
    ready: RegExp,
    more: readonly string[] = [],
  ): Promise<Running> {
    const recordings = path.join(dir, name);
    mkdirSync(recordings);
    const args = podmanArgs(
      podSpec(workload),
      IMAGE,
      { '/run/crio': crio, recordings },
      { POD: pod, NODE_NAME: name },
    );
    const own = ['run', '--rm', '--network=none', '--name', name, ...podman.createArgs];
    return startUntil('podman', [...own, ...args, ...more], ready, { env: podman.env });
  }
  const tell = (name: string, command: string) => podman.cli('exec', name, 'node', SCRIPT, command);
  const get = async (name: string): Promise<Recording> =>
    parseRecording(await tell(name, 'get'), 'what get printed');
  const isUp = async (id: string) => (await cri.exec(id, '/bin/ls', '/tmp/one')) === 0;

  test('a command that needs no privilege needs no root, no writable file and no network', async () => {
    const args = ['run', '--rm', '--read-only', '--network=none', '--cap-drop=ALL', IMAGE];
    const said = await podman.cli(...args, 'diff', 'default:docker', 'default:docker', '--json');
    expect(JSON.parse(said)).toMatchObject({ verdict: 'equivalent' });
    expect(await podman.cli(...args, 'schema', 'config')).toContain('"$schema"');
    const user = await podman.cli('image', 'inspect', '--format', '{{.Config.User}}', IMAGE);
    expect(user).toBe('65532:65532');
  });

  test('the Job records a pod from its first instruction, over a restart, and hands it back', async () => {
    const pod = await cri.runPod('shop/web');
    let id = await cri.create(pod, 'app', APP);
    const job = await start('job/job.yaml', 'job', 'shop/web/app', /sysieve: recording /);
    await cri.start(id);
    await until('it to be up', 10_000, () => isUp(id));
    await cri.stopContainer(id);
    id = await cri.create(pod, 'app', APP, { attempt: 1 });
    await cri.start(id);
    await until('it to be up again', 10_000, () => isUp(id));
    expect((await podman.tryCli('exec', 'job', 'node', SCRIPT, 'get')).code).toBe(1);
    await tell('job', 'stop');
    await until('it to be recorded', 10_000, () => job.stderr().includes('recorder: recorded'));
    const recording = await get('job');
    expect(recording.runs).toHaveLength(1);
    const [run] = recording.runs as [Run];
    const target = { kind: 'pod', engine: 'cri', name: 'shop/web/app' };
    expect(run).toMatchObject({ tracer: 'ebpf', target });
    expectSeenOrSaid(run, 2);
    await tell('job', 'release');
    expect(await job.exited).toEqual({ status: 0, signal: null });
    await cri.removePod(pod);
  });

  test('with --reach it scans what the pod executes, with the rights of the Job', async () => {
    const pod = await cri.runPod('shop/reached');
    const id = await cri.create(pod, 'app', APP);
    const ready = /sysieve: recording /;
    const job = await start('job/job.yaml', 'reached', 'shop/reached/app', ready, ['--reach']);
    await cri.start(id);
    await until('it to be up', 10_000, () => isUp(id));
    // Looked at now and then, as the scan needs the root of a process that lives.
    await sleep(3_000);
    await tell('reached', 'stop');
    await until('it to be recorded', 30_000, () => job.stderr().includes('recorder: recorded'));
    expect(job.stderr()).toMatch(/[1-9]\d* calls reachable but not exercised/);
    const kept = path.join(dir, 'reached');
    const [scanned = ''] = readdirSync(kept).filter((name) => name.endsWith('.reach.json'));
    const { executables } = parseReach(readFileSync(path.join(kept, scanned), 'utf8'), scanned);
    expect(executables.map((one) => one.path)).toContain('/bin/sleep');
    await tell('reached', 'release');
    expect(await job.exited).toEqual({ status: 0, signal: null });
    await cri.removePod(pod);
  });

  test('the DaemonSet waits for a pod, records it to its end, and waits for the next', async () => {
    const ref = 'shop/later';
    const node = await start('daemonset/daemonset.yaml', 'node', `${ref}/app`, /no container /);
    for (const round of [1, 2]) {
      const pod = await cri.runPod(ref);
      const waits = () => node.stderr().split('sysieve: recording ').length > round;
      await until('it to be followed', 30_000, waits);
      const id = await cri.create(pod, 'app', APP);
      await cri.start(id);
      await until('it to be up', 10_000, () => isUp(id));
      await cri.removePod(pod);
      const recorded = () => node.stderr().includes(`recorded /recordings/node-${round}.json`);
      await until('it to be recorded', 10_000, recorded);
    }
    const recording = await get('node');
    expect(recording.runs).toHaveLength(2);
    for (const run of recording.runs) expectSeenOrSaid(run, 1);
    await podman.cli('stop', 'node');
    await node.exited;
  });
});
