/** What inspect says of containers and processes is what /proc says, read here in another way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BundleRuntime, startBundles } from '../support/bundles';
import { type CriEngine, startCri } from '../support/cri';
import { sysieveIn } from '../support/engine-sysieve';
import { runCommand, startDocker, startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
const TITLES: Record<string, string> = { mnt: 'mount', net: 'network' };

interface Line {
  topic: string;
  name: string;
  value: string;
  known: boolean;
  severity: string | null;
  rule: string | null;
  meaning: string;
}

interface Document {
  version: number;
  target: { engine: string | null; pid: number };
  privileged: boolean | null;
  lines: Line[];
  findings: { rule: string; severity: string; fingerprint: string }[];
}

const inodeOf = (pid: number | string, name: string) => statSync(`/proc/${pid}/ns/${name}`).ino;

function field(pid: number, name: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return (status.find((line) => line.startsWith(`${name}:`)) ?? '').slice(name.length + 1).trim();
}

const bits = (hex: string) => BigInt(`0x${hex}`).toString(2).replaceAll('0', '').length;

const lineOf = ({ lines }: Document, topic: string, name: string): Line => {
  const found = lines.find((line) => line.topic === topic && line.name === name);
  if (found === undefined) throw new Error(`no line ${topic}, ${name}`);
  return found;
};

const rulesOf = ({ findings }: Document) => findings.map(({ rule }) => rule);

/** Every line that /proc decides by itself, whoever started the process. */
function agreesWithProc(document: Document): void {
  const { pid } = document.target;
  for (const name of NAMESPACES) {
    const inode = inodeOf(pid, name);
    const { value } = lineOf(document, 'namespaces', `${TITLES[name] ?? name} namespace`);
    expect([name, value]).toEqual([name, expect.stringContaining(`(${inode})`)]);
    const shared = inode === inodeOf('self', name);
    expect([name, value.startsWith('shared with the host')]).toEqual([name, shared]);
  }
  const sets = { effective: 'Eff', permitted: 'Prm', bounding: 'Bnd', inheritable: 'Inh' };
  for (const [name, short] of [...Object.entries(sets), ['ambient', 'Amb'] as const]) {
    const count = bits(field(pid, `Cap${short}`));
    const { value } = lineOf(document, 'capabilities', name);
    expect([name, value]).toEqual([
      name,
      count === 0 ? 'none' : expect.stringMatching(`^(all )?${count}\\b`),
    ]);
  }
  const nnp = lineOf(document, 'user', 'no_new_privs').value;
  expect(nnp).toBe(field(pid, 'NoNewPrivs') === '1' ? 'set' : 'not set');
  const mode = lineOf(document, 'seccomp', 'mode').value;
  const count = field(pid, 'Seccomp_filters');
  expect(mode).toBe(
    field(pid, 'Seccomp') === '0' ? 'no filter' : `${count} filter${count === '1' ? '' : 's'}`,
  );
  const uid = Number(field(pid, 'Uid').split('\t')[1]);
  expect(lineOf(document, 'user', 'user').value).toContain(`on the host uid ${uid},`);
  expect(rulesOf(document).includes('inspect-root')).toBe(uid === 0);
}

/** A file of version 1 in the process's own cgroup. */
function limitOf(pid: number, controller: string, file: string): string {
  const own = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, names = '']) => names.split(',').includes(controller));
  return readFileSync(`/sys/fs/cgroup/${controller}${own?.[2]}/${file}`, 'utf8').trim();
}

privileged('inspect', () => {
  const base = mkdtempSync(path.join(tmpdir(), 'sysieve-inspect-'));
  let docker: TestEngine;
  let podman: TestEngine;
  let cri: CriEngine;
  let runc: BundleRuntime;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    chmodSync(base, 0o755);
    [docker, podman, cri, runc] = await Promise.all([
      startDocker(path.join(base, 'docker')),
      startPodman(path.join(base, 'podman'), 'runc'),
      startCri(path.join(base, 'cri')),
      startBundles(path.join(base, 'runc'), 'runc'),
    ]);
    await Promise.all([importImages(docker, ['busybox']), importImages(podman, ['busybox'])]);
  });
  afterAll(async () => {
    for (const child of children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    await Promise.all([docker?.stop(), podman?.stop(), cri?.stop(), runc?.stop()]);
    rmSync(base, { recursive: true, force: true });
  });

  const envOf = (engine: TestEngine): NodeJS.ProcessEnv =>
    engine.name === 'podman'
      ? { ...engine.env, CONTAINER_HOST: `unix://${engine.socket}` }
      : engine.env;

  async function inspectIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Document> {
    const { code, stdout, stderr } = await sysieveIn(env, 'inspect', ...args, '--json');
    if (code !== 0) throw new Error(`exit ${code}: ${stderr}${stdout}`);
    const document = JSON.parse(stdout) as Document;
    expect(document.version).toBe(1);
    // Whatever is a finding is a line, and the other way round.
    expect(document.findings.map(({ rule }) => rule).sort()).toEqual(
      document.lines.flatMap(({ rule }) => rule ?? []).sort(),
    );
    agreesWithProc(document);
    return document;
  }

  async function container(engine: TestEngine, name: string, ...options: string[]) {
    const network = options.some((one) => one.startsWith('--network')) ? [] : ['--network=none'];
    await engine.cli(
      ...['run', '-d', '--name', name, ...engine.createArgs, ...network, ...options],
      ...[imageRef('busybox'), '/bin/sleep', '1000'],
    );
    return inspectIn(envOf(engine), '--container', name, '--engine', engine.name);
  }

  test('docker: a default container', async () => {
    const document = await container(docker, 'plain');
    expect(document).toMatchObject({ privileged: false, target: { engine: 'docker' } });
    const policy = lineOf(document, 'seccomp', 'policy').value;
    expect(policy).toMatch(/^the default of Docker \d+\.\d+\.\d+\S*, which runs it$/);
    expect(lineOf(document, 'mounts', '/proc and /sys').value).toBe('masked');
    expect(lineOf(document, 'mounts', 'host paths').value).toBe('none');
    expect(lineOf(document, 'devices', 'device nodes').value).toBe('the usual ones');
    expect(lineOf(document, 'cgroup', 'devices').value).toContain('c 1:3 rwm');
    expect(lineOf(document, 'capabilities', 'effective').value).toBe("14, Docker's default");
    expect(document.findings.filter(({ severity }) => severity === 'high')).toEqual([]);
    expect(rulesOf(document)).not.toContain('inspect-shared-namespace');
  });

  test('docker: what is hardened has next to no findings, and its limits are told', async () => {
    const document = await container(
      docker,
      'hard',
      ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--user', '1000:1000'],
      ...['--read-only', '--memory', '64m', '--pids-limit', '32', '--cpus', '0.5'],
    );
    const { pid } = document.target;
    expect(lineOf(document, 'user', 'user').value).toContain('uid 1000, gid 1000');
    expect(lineOf(document, 'user', 'id mapping').value).toBe('uid identity; gid identity');
    expect(lineOf(document, 'mounts', 'root file system').value).toMatch(/, read-only$/);
    expect(lineOf(document, 'cgroup', 'memory').value).toBe('64 MiB');
    expect(limitOf(pid, 'memory', 'memory.limit_in_bytes')).toBe(String(64 << 20));
    expect(lineOf(document, 'cgroup', 'pids').value).toBe('32 tasks');
    expect(limitOf(pid, 'pids', 'pids.max')).toBe('32');
    expect(lineOf(document, 'cgroup', 'cpu').value).toBe('0.5 CPUs');
    const grave = document.findings.filter(({ severity }) => ['high', 'medium'].includes(severity));
    expect(grave).toEqual([]);
    expect(rulesOf(document)).not.toContain('inspect-risky-capability');
  });

  test('docker: namespaces of the host and of another container', async () => {
    const document = await container(docker, 'hostly', '--pid=host', '--network=host');
    for (const name of ['pid', 'network']) {
      const line = lineOf(document, 'namespaces', `${name} namespace`);
      expect(line).toMatchObject({ rule: 'inspect-host-namespace' });
    }
    expect(lineOf(document, 'namespaces', 'pid namespace').severity).toBe('high');
    const beside = await container(docker, 'beside', '--network', 'container:plain');
    const id = (await docker.cli('inspect', '--format', '{{.Id}}', 'plain')).slice(0, 12);
    expect(lineOf(beside, 'namespaces', 'network namespace').value).toContain(
      `shared with container ${id}`,
    );
    expect(lineOf(beside, 'namespaces', 'pid namespace').value).toMatch(/^own \(/);
  });

  test('docker: capabilities, no filter, host paths, a socket, a device', async () => {
    const document = await container(
      docker,
      'open',
      ...[
        '--cap-add',
        'SYS_ADMIN',
        '--cap-add',
        'NET_ADMIN',
        '--security-opt',
        'seccomp=unconfined',
      ],
      ...['-v', '/etc:/host-etc:ro', '-v', `${docker.socket}:/var/run/docker.sock`],
      ...['--device', '/dev/kmsg'],
    );
    expect(document.privileged).toBe(false);
    const risky = document.lines.filter(({ rule }) => rule === 'inspect-risky-capability');
    expect(risky.find(({ severity }) => severity === 'high')?.value).toMatch(/^CAP_SYS_ADMIN \(/);
    expect(risky.find(({ severity }) => severity === 'medium')?.value).toMatch(/^CAP_NET_ADMIN \(/);
    expect(lineOf(document, 'seccomp', 'mode').rule).toBe('inspect-no-seccomp');
    const socket = lineOf(document, 'mounts', 'engine socket');
    expect(socket.value).toContain('at /var/run/docker.sock, writable');
    const etc = document.lines.find(({ value }) => value.includes('/host-etc'));
    expect(etc).toMatchObject({ rule: 'inspect-host-path', severity: 'medium' });
    expect(etc?.value).toBe('/etc of the host at /host-etc, read-only');
    expect(lineOf(document, 'devices', 'device nodes').value).toBe('/dev/kmsg');
  });

  test('podman: privileged', async () => {
    const document = await container(podman, 'privileged', '--privileged');
    expect(document).toMatchObject({ privileged: true, target: { engine: 'podman' } });
    expect(rulesOf(document)).toEqual(
      expect.arrayContaining(['inspect-privileged', 'inspect-no-seccomp', 'inspect-proc-unmasked']),
    );
    expect(lineOf(document, 'mounts', '/proc and /sys').value).toContain('/proc/sys writable');
  });

  test('podman: the default of its own release', async () => {
    const document = await container(podman, 'usual');
    expect(lineOf(document, 'seccomp', 'policy').value).toMatch(
      /^the default of Podman .*runs it$/,
    );
    expect(document.privileged).toBe(false);
  });

  test('a pod of containerd, by its CRI', async () => {
    const pod = await cri.runPod('shop/web');
    await cri.start(
      await cri.create(pod, 'app', ['/bin/sleep', '1000'], {
        seccomp: 'default',
        noNewPrivs: true,
      }),
    );
    const document = await inspectIn(cri.env, '--pod', 'shop/web/app');
    expect(document.target.engine).toBe('cri');
    expect(lineOf(document, 'namespaces', 'network namespace').rule).toBe('inspect-host-namespace');
    // The sandbox holds the pod's namespaces.
    expect(lineOf(document, 'namespaces', 'ipc namespace')).toMatchObject({
      value: expect.stringContaining(`shared with container ${pod.id.slice(0, 12)}`),
      rule: 'inspect-shared-namespace',
      severity: 'note',
    });
    expect(lineOf(document, 'seccomp', 'policy').known).toBe(true);
    await cri.removePod(pod);
  });

  test('bare runc', async () => {
    await runc.create('bare', ['/bin/sleep', '1000']);
    await runc.start('bare');
    const document = await inspectIn(
      process.env,
      ...['--container', 'bare', '--engine', 'runc', '--state-dir', runc.state],
    );
    expect(document).toMatchObject({ privileged: false, target: { engine: 'runc' } });
    expect(lineOf(document, 'mounts', '/proc and /sys').value).toBe('masked');
    expect(lineOf(document, 'user', 'no_new_privs').value).toBe('not set');
  });

  test('a user namespace', async () => {
    await runc.create('mapped', ['/bin/sleep', '1000'], { userNamespace: 200000 });
    await runc.start('mapped');
    const document = await inspectIn(
      process.env,
      ...['--container', 'mapped', '--engine', 'runc', '--state-dir', runc.state],
    );
    const { pid } = document.target;
    expect(readFileSync(`/proc/${pid}/uid_map`, 'utf8')).toMatch(/^\s*0\s+200000\s+65536\s*$/);
    expect(lineOf(document, 'user', 'user')).toMatchObject({
      value: 'uid 0, gid 0 (on the host uid 200000, gid 200000)',
      rule: null,
    });
    const mapped = '0-65535 are 200000-265535';
    expect(lineOf(document, 'user', 'id mapping').value).toBe(`uid ${mapped}; gid ${mapped}`);
    expect(document.privileged).toBe(false);
  });

  async function plain(command: string, ...args: string[]): Promise<number> {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return child.pid as number;
  }

  test('plain processes: of the host, and in a user namespace of its own', async () => {
    const host = await plain('sh', '-c', 'echo up; exec sleep 1000');
    const document = await inspectIn(process.env, '--pid', String(host));
    expect(document).toMatchObject({ privileged: true, target: { engine: null, pid: host } });
    expect(rulesOf(document)).toContain('inspect-no-container');
    const inside = await plain(
      ...(['unshare', '--user', '--map-root-user', '--mount', '--uts'] as const),
      ...(['sh', '-c', 'echo up; exec sleep 1000'] as const),
    );
    const mapped = await inspectIn(process.env, '--pid', String(inside));
    expect(lineOf(mapped, 'user', 'id mapping')).toMatchObject({
      value: 'uid 0 is 0; gid 0 is 0',
      rule: 'inspect-root-mapped',
    });
  });

  test('the committed profile, --fail-on, waivers, and without ptrace', async () => {
    const profile = path.join(base, 'profile.json');
    const rule = (names: string[]) => ({
      ...{ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'] },
      syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }],
    });
    writeFileSync(profile, JSON.stringify(rule(['kexec_load', 'ptrace'])));
    const options = ['--security-opt', `seccomp=${profile}`];
    await docker.cli(
      ...['run', '-d', '--name', 'held', '--network=none', ...options, imageRef('busybox')],
      ...['/bin/sleep', '1000'],
    );
    const look = (...args: string[]) =>
      inspectIn(docker.env, '--container', 'held', '--engine', 'docker', ...args);
    const same = await look('--profile', profile);
    expect(lineOf(same, 'seccomp', 'profile')).toMatchObject({
      value: expect.stringContaining('means what the profile means'),
      rule: null,
    });
    writeFileSync(profile, JSON.stringify(rule(['kexec_load', 'ptrace', 'reboot'])));
    const wider = await look('--profile', profile);
    expect(lineOf(wider, 'seccomp', 'profile')).toMatchObject({
      value: expect.stringContaining('permits more than the profile'),
      meaning: expect.stringContaining('reboot'),
      severity: 'high',
    });
    const untold = await look('--no-ptrace');
    expect(lineOf(untold, 'seccomp', 'policy')).toMatchObject({
      known: false,
      value: 'cannot tell: --no-ptrace was given',
    });

    const args = ['inspect', '--container', 'held', '--profile', profile, '--fail-on', 'high'];
    const failed = await sysieveIn(docker.env, ...args);
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('Isolation of')]);
    const waivers = path.join(base, 'waivers.json');
    const grave = wider.findings.filter(({ severity }) => severity === 'high');
    const entries = grave.map(({ fingerprint }) => ({
      ...{ fingerprint, reason: 'known', expires: '2999-01-01' },
    }));
    writeFileSync(waivers, JSON.stringify({ version: 1, waivers: entries }));
    expect((await sysieveIn(docker.env, ...args, '--waivers', waivers)).code).toBe(0);
    for (const format of ['sarif', 'github', 'markdown', 'html']) {
      const { code, stdout } = await sysieveIn(docker.env, ...args, '--format', format);
      expect([format, code, stdout.includes('more than the profile')]).toEqual([format, 1, true]);
    }
  });

  test.each([
    [2, 'one target', []],
    [2, 'one target', ['--pid', '1', '--container', 'web']],
    [2, 'process', ['--pid', 'web']],
    [2, 'no pod', ['--pod', 'web']],
    [2, '--engine', ['--pid', '1', '--engine', 'docker']],
    [2, '--state-dir', ['--container', 'web', '--state-dir', '/run/x']],
    [3, 'no process', ['--pid', '4194303']],
    [3, 'no container', ['--container', 'none', '--engine', 'docker']],
  ] as const)('status %i: %s', async (status, words, args) => {
    const { code, stderr, stdout } = await sysieveIn(docker.env, 'inspect', ...args);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toContain(words);
  });

  test('without privilege: what is hidden is said, nothing is called well', async () => {
    const pid = await plain('sh', '-c', 'echo up; exec sleep 1000');
    const main = path.join(__dirname, '../../dist/cli/main.js');
    const { code, stdout } = await runCommand('setpriv', [
      ...['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'],
      ...['--inh-caps=-all', process.execPath, main, 'inspect', '--pid', String(pid), '--json'],
    ]);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as Document;
    const hidden = ['pid namespace', 'user namespace'];
    for (const name of hidden) {
      const line = lineOf(document, 'namespaces', name);
      expect(line).toMatchObject({ known: false, rule: null });
      expect(line.value).toMatch(/^cannot tell: .*not permitted$/);
    }
    expect(lineOf(document, 'devices', 'device nodes').known).toBe(false);
    expect(lineOf(document, 'user', 'user').value).toContain('on the host uid 0');
  });
});
