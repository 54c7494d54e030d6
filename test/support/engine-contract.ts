/** What findContainer and watchContainer promise, against a real engine; run once per engine. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ContainerEvent, findContainer, watchContainer } from '../../src/engines';
import { type TestEngine, until } from './engines';
import { imageRef } from './image-build';

const BUSYBOX = imageRef('busybox');
const NETWORK = '--network=none';

/** Calls `body` with the environment that reaches this engine only. */
async function within<T>(env: NodeJS.ProcessEnv, body: () => Promise<T>): Promise<T> {
  const saved = { ...process.env };
  process.env = { ...env };
  try {
    return await body();
  } finally {
    process.env = saved;
  }
}

function packagedVersion(runtime: string): string {
  const printed = execFileSync(runtime, ['--version'], { encoding: 'utf8' });
  const version = /version (\S+)/.exec(printed)?.[1];
  if (version === undefined) throw new Error(`${runtime} --version printed ${printed}`);
  return version;
}

/** `ask`: how the engine is reached; the environment for it, and the kind of endpoint it gives. */
export function engineContract(
  engine: () => TestEngine,
  ask: { env: () => NodeJS.ProcessEnv; endpoint: 'socket' | 'cli' },
): void {
  const create = (...args: string[]) =>
    engine().cli('create', ...engine().createArgs, NETWORK, ...args);
  const find = (name: string) =>
    within(ask.env(), () => findContainer(name, { engine: engine().name }));
  const remove = (name: string) => engine().cli('rm', '-f', ...stopNow(), name);
  const stopNow = () => (engine().name === 'podman' ? ['-t', '0'] : []);

  test('created, running, stopped', async () => {
    const id = await create('--name', 'life', BUSYBOX, '/bin/sleep', '1000');
    const created = await find('life');
    expect(created).toMatchObject({ engine: engine().name, id, name: 'life', running: false });
    expect(created).toMatchObject({ pid: null, startedAt: null, cgroups: [], seccomp: 'filter' });
    expect(created.endpoint.kind).toBe(ask.endpoint);

    await engine().cli('start', 'life');
    const running = await find(id.slice(0, 12));
    expect(running).toMatchObject({ id, running: true, seccomp: 'filter' });
    expect(running.image).toContain('sysieve-test-busybox');
    expect(running.runtime?.name).toBe(engine().runtime);
    expect(packagedVersion(engine().runtime)).toContain(running.runtime?.version);
    const pid = running.pid ?? 0;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe('/bin/sleep\0' + '1000\0');
    const links = execFileSync('readlink', [`/proc/${pid}/ns/mnt`, `/proc/${pid}/ns/pid`], {
      encoding: 'utf8',
    });
    expect(links).toBe(`mnt:[${running.mountNamespace}]\npid:[${running.pidNamespace}]\n`);

    // Every hierarchy whose cgroup is the container's, each holding its process and no other.
    const named = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split(id).length - 1;
    expect(running.cgroups).toHaveLength(named);
    expect(named).toBeGreaterThan(0);
    for (const cgroup of running.cgroups) {
      expect(readFileSync(path.join(cgroup.path, 'cgroup.procs'), 'utf8')).toBe(`${pid}\n`);
      expect(running.cgroupNames).toContain(path.basename(cgroup.path));
    }

    await engine().cli('kill', '-s', 'KILL', 'life');
    await until('the container to stop', 5_000, async () => !(await find('life')).running);
    const stopped = await find('life');
    expect(stopped).toMatchObject({ pid: null, cgroups: [], mountNamespace: null });
    expect(stopped.startedAt).toBe(running.startedAt);
    for (const cgroup of running.cgroups) expect(existsSync(cgroup.path)).toBe(false);
    await remove('life');
  });

  test('missing, ambiguous, and names that look like options', async () => {
    await expect(find('nobody')).rejects.toMatchObject({
      code: 'container-not-found',
      exitCode: 3,
      reason: expect.stringContaining(`asked ${engine().name} at`),
    });
    await expect(find('--all')).rejects.toMatchObject({ code: 'container-name-invalid' });
    // Seventeen ids and sixteen hex digits: two share their first.
    const firsts = new Map<string, number>();
    for (let i = 0; i < 17; i++) {
      const id = await create('--name', `many${i}`, BUSYBOX, '/bin/true');
      firsts.set(id.slice(0, 1), (firsts.get(id.slice(0, 1)) ?? 0) + 1);
    }
    const [shared] = [...firsts].find(([, count]) => count > 1) ?? [''];
    await expect(find(shared)).rejects.toMatchObject({ code: 'container-ambiguous', exitCode: 3 });
    await engine().cli('rm', ...Array.from({ length: 17 }, (_, i) => `many${i}`));
  });

  test('unconfined, privileged, host namespaces', async () => {
    const run = (name: string, ...args: string[]) => {
      const rest = [...engine().createArgs, NETWORK, '--name', name, ...args];
      return engine().cli('run', '-d', ...rest, BUSYBOX, '/bin/sleep', '1000');
    };
    await run('open', '--security-opt', 'seccomp=unconfined');
    await create('--name', 'super', '--privileged', BUSYBOX, '/bin/true');
    await run('hostpid', '--pid=host');
    await run('guest', '--pid=container:open');
    expect((await find('open')).seccomp).toBe('unconfined');
    expect((await find('super')).seccomp).toBe('unconfined');
    const hostpid = await find('hostpid');
    expect(hostpid).toMatchObject({ seccomp: 'filter', pidNamespace: null });
    expect(hostpid.mountNamespace).not.toBeNull();
    // Whose namespace it is, not who is a guest in it.
    expect((await find('guest')).pidNamespace).toBeNull();
    expect((await find('open')).pidNamespace).not.toBeNull();
    for (const name of ['guest', 'hostpid', 'super', 'open']) await remove(name);
  });

  test('watch: restart, end, start, removal', async () => {
    await create('--name', 'watched', BUSYBOX, '/bin/sleep', '1000');
    await engine().cli('start', 'watched');
    const info = await find('watched');
    const events: ContainerEvent[] = [];
    const types = () => events.map((e) => e.type).join(' ');
    const done = within(ask.env(), () =>
      watchContainer(info, (e) => events.push(e), new AbortController().signal),
    );
    await engine().cli('restart', '-t', '0', 'watched');
    await until('the restart to be told', 5_000, () => types() === 'died started');
    const [, restart] = events;
    const again = restart?.type === 'started' ? restart.container : null;
    expect(again).toMatchObject({ id: info.id, running: true });
    expect(again?.pid).not.toBe(info.pid);
    // The names told before the restart are those that it got.
    expect(again?.cgroups.length).toBe(info.cgroups.length);
    for (const c of again?.cgroups ?? []) expect(info.cgroupNames).toContain(path.basename(c.path));

    await engine().cli('kill', '-s', 'KILL', 'watched');
    await until('the end to be told', 5_000, () => types() === 'died started died');
    await engine().cli('start', 'watched');
    await until('the start to be told', 5_000, () => types() === 'died started died started');
    await remove('watched');
    await done;
    expect(types()).toBe('died started died started died removed');
  });

  test('watch ends with its signal', async () => {
    await create('--name', 'idle', BUSYBOX, '/bin/sleep', '1000');
    const info = await find('idle');
    const abort = new AbortController();
    const events: ContainerEvent[] = [];
    const done = within(ask.env(), () => watchContainer(info, (e) => events.push(e), abort.signal));
    await new Promise((resolve) => setTimeout(resolve, 300));
    abort.abort();
    await done;
    expect(events).toEqual([]);
    await remove('idle');
  });
}
