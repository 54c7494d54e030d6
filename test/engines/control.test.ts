/** ContainerControl's promises against real engines, by each way to reach them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type ContainerControl,
  type ContainerSpec,
  containerControl,
  controlAt,
  findContainer,
} from '../../src/engines';
import { startDocker, startPodman, type TestEngine } from '../support/engines';
import { imageRef, importImages } from '../support/image-build';
import { privileged } from '../support/recorder';

const IMAGE = imageRef('busybox');
const never = new AbortController().signal;

/** mkdir fails with 33; all else passes. */
const PROFILE = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 33 }],
});

function profileFiles(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith('sysieve-profile-'))
    .map((name) => readIfThere(path.join(tmpdir(), name, 'seccomp.json')));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

let names = 0;

function specWith(changes: Partial<ContainerSpec>): ContainerSpec {
  return {
    name: `made-${++names}`,
    image: IMAGE,
    entrypoint: null,
    command: ['/bin/sleep', '1000'],
    env: {},
    labels: { 'sysieve.test': 'control' },
    network: 'none',
    ports: [],
    volumes: [],
    tmpfs: [],
    user: null,
    workdir: null,
    hostname: null,
    capAdd: [],
    capDrop: [],
    readOnlyRoot: false,
    noNewPrivileges: false,
    shmSize: null,
    ulimits: { nofile: { soft: 777, hard: 777 }, nproc: { soft: 1024, hard: 1024 } },
    runtime: null,
    cgroupParent: null,
    seccomp: { kind: 'engine-default' },
    ...changes,
  };
}

async function lines(control: ContainerControl, id: string): Promise<string[]> {
  const told: string[] = [];
  await control.logs(id, (line) => told.push(line), never);
  return told;
}

function contract(get: () => { control: ContainerControl; engine: TestEngine }): void {
  const made: string[] = [];
  const control = () => get().control;
  const parent = () => ({ cgroupParent: `/sysieve-${path.basename(get().engine.dir)}` });
  const create = async (changes: Partial<ContainerSpec> = {}) => {
    const id = await control().create(specWith({ ...parent(), ...changes }));
    made.push(id);
    return id;
  };
  const started = async (changes: Partial<ContainerSpec> = {}) => {
    const id = await create(changes);
    await control().start(id);
    return id;
  };
  const exec = (id: string, ...command: string[]) =>
    control().exec(id, command, { env: { GIVEN: 'a b=c' }, signal: never });

  afterEach(async () => {
    for (const id of made.splice(0)) await control().remove(id);
  });

  test('made, started, waited for, read, removed', async () => {
    const script = 'echo out; echo err >&2; printf "no newline"; exit 7';
    const id = await started({ entrypoint: ['/bin/sh', '-c'], command: [script] });
    expect(await control().wait(id, never)).toBe(7);
    expect((await lines(control(), id)).sort()).toEqual(['err', 'no newline', 'out']);
    expect((await control().labelled('sysieve.test', 'control')).map((c) => c.id)).toEqual([id]);
    expect((await control().labelled('sysieve.test', null))[0]?.labels).toMatchObject({
      'sysieve.test': 'control',
    });
    expect(await control().labelled('sysieve.test', 'another')).toEqual([]);
    await control().remove(id);
    await control().remove(id);
    expect(await control().labelled('sysieve.test', 'control')).toEqual([]);
    await expect(control().wait(id, never)).rejects.toMatchObject({ code: 'container-not-found' });
    await expect(control().start(id)).rejects.toMatchObject({ code: 'container-not-found' });
    await expect(control().specOf(id)).rejects.toMatchObject({ code: 'container-not-found' });
  });

  test('every setting reaches the container, and a copy of it has the same', async () => {
    const { dir } = get().engine;
    const source = path.join(dir, `bind-${names}`);
    mkdirSync(source);
    writeFileSync(path.join(source, 'file'), 'bound\n');
    const volume = `vol${names}`;
    const id = await started({
      command: ['/bin/sh', '-c', 'echo "$A"; sleep 1000'],
      env: { A: 'b "c" $d\nline' },
      labels: { 'sysieve.test': 'control', other: 'a=b' },
      volumes: [
        { source, target: '/bound', readOnly: true },
        { source: volume, target: '/vol', readOnly: false },
      ],
      tmpfs: ['/scratch:size=1m'],
      user: '1000:1001',
      workdir: '/bound',
      hostname: 'given',
      capAdd: ['SYS_PTRACE'],
      capDrop: ['CHOWN'],
      readOnlyRoot: true,
      noNewPrivileges: true,
      shmSize: 1_048_576,
      runtime: get().engine.runtime,
      seccomp: { kind: 'profile', text: PROFILE },
    });
    const spec = await control().specOf(id);
    const copy = await started({ ...spec, name: `copy-${++names}` });
    for (const one of [id, copy]) {
      const inside = async (script: string) => (await exec(one, '/bin/sh', '-c', script)).output;
      expect(await inside('echo "$A"; echo "$GIVEN"')).toBe('b "c" $d\nline\na b=c\n');
      expect(await inside('pwd; cat file; hostname; id -u; id -g; ulimit -n')).toBe(
        '/bound\nbound\ngiven\n1000\n1001\n777\n',
      );
      expect(await inside('touch new 2>&1 || touch /new 2>&1 || touch /scratch/x')).toMatch(
        /^(?:.*[Rr]ead-only file system\n){2}$/,
      );
      expect(await inside('grep -E " /(vol|scratch|dev/shm) " /proc/mounts')).toMatch(
        /(?=[\s\S]*\/vol )(?=[\s\S]*\/scratch tmpfs.*size=1024k)(?=[\s\S]*\/dev\/shm tmpfs.*size=1024k)/,
      );
      const status = await inside('cat /proc/self/status');
      expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
      const bounding = BigInt(`0x${/^CapBnd:\s*(\w+)$/m.exec(status)?.[1]}`);
      expect([bounding & 1n, (bounding >> 19n) & 1n]).toEqual([0n, 1n]);
      // EDOM: the profile's own answer, that no default gives.
      expect(await inside('mkdir /scratch/dir 2>&1')).toMatch(/argument out of domain/);
    }
    await control().remove(id);
    await control().remove(copy);
  });

  test('what cannot be made is named', async () => {
    await expect(create({ image: 'sysieve-nobody/has-this:1' })).rejects.toMatchObject({
      code: 'image-not-found',
      exitCode: 3,
    });
    await create({ name: 'taken' });
    await expect(create({ name: 'taken' })).rejects.toMatchObject({ code: 'container-name-taken' });
    await expect(create({ capAdd: ['NO_SUCH_CAPABILITY'] })).rejects.toMatchObject({
      code: 'container-not-created',
      reason: expect.stringMatching(/capability/i),
    });
    const broken = await create({ command: ['/no/such/program'] });
    await expect(control().start(broken)).rejects.toMatchObject({
      code: 'container-not-started',
      reason: expect.stringContaining('/no/such/program'),
    });
    // By its text: others may be making containers, too.
    expect(profileFiles().filter((text) => text === PROFILE)).toEqual([]);
  });

  test('exec: status and output, a missing program, a limit of time, a container that ended', async () => {
    const id = await started();
    expect(await exec(id, '/bin/sh', '-c', 'echo a; echo b >&2; exit 5')).toMatchObject({
      status: 5,
      output: expect.stringMatching(/^(a\nb|b\na)\n$/),
    });
    const missing = await exec(id, '/no/such/program');
    expect([126, 127]).toContain(missing.status);
    expect(missing.output).toContain('/no/such/program');
    const long = await exec(id, '/bin/sh', '-c', 'yes | head -c 200000; echo; echo end');
    expect(long.output).toHaveLength(65_536);
    expect(long.output.endsWith('\nend\n')).toBe(true);
    const limited = control().exec(id, ['/bin/sleep', '100'], {
      env: {},
      signal: AbortSignal.timeout(300),
    });
    await expect(limited).rejects.toMatchObject({ name: 'TimeoutError' });
    await control().stop(id, { signal: 'SIGKILL', timeoutMs: 10_000 });
    await expect(exec(id, '/bin/true')).rejects.toMatchObject({ code: 'container-not-entered' });
  });

  test('stop: by its signal, by force after the time, and again', async () => {
    const trap = (body: string) => [
      '/bin/sh',
      '-c',
      `trap '${body}' USR1; while :; do sleep 0.1; done`,
    ];
    const obeys = await started({ command: trap('exit 9') });
    await control().stop(obeys, { signal: 'SIGUSR1', timeoutMs: 10_000 });
    expect(await control().wait(obeys, never)).toBe(9);
    const ignores = await started({ command: trap('') });
    await control().stop(ignores, { signal: 'SIGUSR1', timeoutMs: 200 });
    expect(await control().wait(ignores, never)).toBe(137);
    // The first process of a container ignores SIGTERM unless it handles it.
    const plain = await started();
    await control().stop(plain, { signal: null, timeoutMs: 500 });
    expect(await control().wait(plain, never)).toBe(137);
    await control().stop(plain, { signal: null, timeoutMs: 500 });
    await control().stop(plain, { signal: 'SIGTERM', timeoutMs: 500 });
  });

  test('wait and logs end with their signal', async () => {
    const id = await started({ command: ['/bin/sh', '-c', 'echo first; sleep 1000'] });
    await expect(control().wait(id, AbortSignal.timeout(300))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const told: string[] = [];
    await control().logs(id, (line) => told.push(line), AbortSignal.timeout(1_500));
    expect(told).toEqual(['first']);
  });

  test('a container that no other can be made like is refused, with the reason', async () => {
    const { engine } = get();
    const args = [...engine.createArgs, '--network=none', '--pid=host', '--tty'];
    const id = await engine.cli('create', ...args, IMAGE, '/bin/true');
    made.push(id);
    await expect(control().specOf(id)).rejects.toMatchObject({
      code: 'container-not-copied',
      reason: expect.stringContaining('sysieve cannot make one with --tty, --pid host'),
    });
  });
}

privileged('containers of our own', () => {
  const temporary = () => mkdtempSync(path.join(tmpdir(), 'sysieve-engines-'));
  const saved = { ...process.env };
  let docker: TestEngine;
  let podman: TestEngine;

  beforeAll(async () => {
    [docker, podman] = await Promise.all([
      startDocker(temporary()),
      startPodman(temporary(), 'runc'),
    ]);
    await Promise.all([importImages(docker, ['busybox']), importImages(podman, ['busybox'])]);
  });

  afterEach(() => {
    process.env = { ...saved };
  });

  afterAll(async () => {
    await Promise.all([docker?.stop(), podman?.stop()]);
  });

  describe('docker', () => {
    let control: ContainerControl;
    beforeAll(async () => {
      control = await controlAt({ kind: 'socket', path: docker.socket });
    });
    contract(() => ({ control, engine: docker }));
  });

  describe('podman by its socket', () => {
    let control: ContainerControl;
    beforeAll(async () => {
      control = await controlAt({ kind: 'socket', path: podman.socket });
    });
    contract(() => ({ control, engine: podman }));
  });

  describe('podman by its command', () => {
    let control: ContainerControl;
    beforeAll(async () => {
      const command = execFileSync('sh', ['-c', 'command -v podman'], { encoding: 'utf8' }).trim();
      control = await controlAt({ kind: 'cli', path: command });
    });
    beforeEach(() => {
      process.env = { ...podman.env };
    });
    contract(() => ({ control, engine: podman }));
  });

  test('of two engines, the one that has the image', async () => {
    process.env = {
      ...podman.env,
      DOCKER_HOST: docker.env.DOCKER_HOST,
      CONTAINER_HOST: `unix://${podman.socket}`,
    };
    await podman.cli('tag', IMAGE, 'only-podman:1');
    await docker.cli('tag', IMAGE, 'only-docker:1');
    const engineFor = async (image: string) =>
      (await containerControl({ engine: 'auto', image })).engine;
    expect(await engineFor('only-podman:1')).toBe('podman');
    expect(await engineFor('only-docker:1')).toBe('docker');
    await expect(engineFor(IMAGE)).rejects.toMatchObject({ code: 'image-ambiguous' });
    await expect(engineFor('nobody:1')).rejects.toMatchObject({ code: 'image-not-found' });
    expect((await containerControl({ engine: 'podman', image: IMAGE })).engine).toBe('podman');
  });

  test('an unconfined container is known as such before it starts', async () => {
    for (const { name, socket } of [docker, podman]) {
      const control = await controlAt({ kind: 'socket', path: socket });
      const id = await control.create(specWith({ seccomp: { kind: 'unconfined' } }));
      expect((await findContainer(id, { engine: name, socket })).seccomp).toBe('unconfined');
      expect((await control.specOf(id)).seccomp).toEqual({ kind: 'unconfined' });
      await control.remove(id);
    }
  });

  test('an engine that accepts and never answers does not hang', async () => {
    const dir = temporary();
    const socket = path.join(dir, 'hung.sock');
    const asked: net.Socket[] = [];
    const server = net.createServer((connection) => asked.push(connection));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    await expect(containerControl({ engine: 'docker', socket })).rejects.toMatchObject({
      code: 'engine-unreachable',
      reason: 'no answer within 10 s',
    });
    for (const connection of asked) connection.destroy();
    server.close();
  });
});
