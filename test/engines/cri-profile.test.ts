/**
 * From the committed profile to a pod on containerd: the MachineConfig's file where the node has it, the
 * pod by the exported patch as kubelet reads it, and the filter live in the pod.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSide } from '../../src/cli/side';
import { differences, equal, policyOfProfile } from '../../src/policy';
import { parseProfile } from '../../src/profile';
import { type CriEngine, startCri } from '../support/cri';
import { sysieveIn } from '../support/engine-sysieve';
import { privileged, ROOT } from '../support/recorder';

const PROFILE = path.join(ROOT, 'profiles/nginx.json');
/** It reads a terminal that nobody writes to: calls of nginx's own profile. */
const WAITING = ['/bin/cat', '/dev/ptmx'];

interface PodPatch {
  spec: { securityContext: { seccompProfile: { type: string; localhostProfile: string } } };
}

privileged('a committed profile on a node', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sysieve-cri-profile-'));
  /** As /var/lib/kubelet/seccomp. */
  const root = path.join(dir, 'kubelet/seccomp');
  let cri: CriEngine;

  beforeAll(async () => {
    cri = await startCri(path.join(dir, 'cri'));
  });
  afterAll(async () => {
    await cri?.stop();
  });

  async function exported(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await sysieveIn(
      process.env,
      ...['export', PROFILE, '--root', root, '--syntax', 'json', '-o', '-', ...args],
    );
    if (code !== 0) throw new Error(`export: exit ${code}: ${stderr}`);
    return stdout;
  }

  test('the filter live in the pod means the profile', async () => {
    const patch = JSON.parse(
      await exported('--to', 'kubernetes', '--workload', 'pod/web', '--directory', 'operator'),
    ) as PodPatch;
    const { type, localhostProfile } = patch.spec.securityContext.seccompProfile;
    expect([type, localhostProfile]).toEqual(['Localhost', 'operator/nginx.json']);

    // As Ignition writes it, by a script that knows nothing of sysieve.
    const file = path.join(root, localhostProfile);
    const machineConfig = await exported('--to', 'machineconfig', '--directory', 'operator');
    const script = path.join(ROOT, 'test/support/decode_machineconfig.py');
    const placed = execFileSync('python3', [script, file], { input: machineConfig });
    expect(placed.equals(readFileSync(PROFILE))).toBe(true);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, placed);

    // As kubelet asks for it: its root and the path of the pod.
    const pod = await cri.runPod('shop/web');
    const seccomp = { localhost: file };
    await cri.start(await cri.create(pod, 'nginx', WAITING, { seccomp, noNewPrivs: true }));
    const environment = process.env;
    try {
      process.env = cri.env;
      const side = await loadSide('pod:shop/web/nginx');
      if (side.kind !== 'filters') throw new Error(`the pod is ${side.kind}`);
      const profile = parseProfile(readFileSync(PROFILE, 'utf8'), PROFILE);
      const committed = policyOfProfile(profile, { runtime: 'runc', machine: 'x86_64' });
      expect(differences(side.policy, committed)).toEqual([]);
      expect(equal(side.policy, committed)).toBe(true);
    } finally {
      process.env = environment;
    }

    // And as users see it.
    const { code, stdout, stderr } = await sysieveIn(
      cri.env,
      ...['inspect', '--pod', 'shop/web/nginx', '--profile', PROFILE],
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.replace(/\s+/g, ' ')).toContain('the filter means what the profile means');
    await cri.removePod(pod);
  });

  test('without the file on the node the pod does not start', async () => {
    const pod = await cri.runPod('shop/missing');
    const seccomp = { localhost: path.join(root, 'operator/none.json') };
    const made = async () => cri.start(await cri.create(pod, 'nginx', WAITING, { seccomp }));
    await expect(made()).rejects.toMatchObject({
      reason: expect.stringContaining('none.json'),
    });
    await cri.removePod(pod);
  });
});
