import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findContainer, localEngineVersion } from '../../src/engines';
import {
  cgroupDirectories,
  cgroupNamesOf,
  containerCgroups,
  parseCgroupMounts,
  parseMemberships,
} from '../../src/engines/cgroups';
import { isUnconfined } from '../../src/engines/docker';
import { SysieveError } from '../../src/errors';

const ID = 'a1'.repeat(32);
const OTHER = 'b2'.repeat(32);
const everything = () => true;

test('cgroupDirectories: a mount of the whole hierarchy, also seen from a cgroup namespace below', () => {
  const mount = (root: string, place: string) => `9 1 0:9 ${root} ${place} ro - cgroup2 cgroup2 rw`;
  const mountinfo = [mount('/', '/sys/fs/cgroup'), mount('/../..', '/host/cgroup')].join('\n');
  const there = ['/host/cgroup/kubepods/pod1'];
  const found = cgroupDirectories('/kubepods/pod1', (dir) => there.includes(dir), mountinfo);
  expect(found).toEqual(there);
  expect(cgroupDirectories('/kubepods/pod1', () => false, mountinfo)).toEqual([]);
  // A part of the hierarchy that is beside one's own.
  const beside = mount('/../other', '/host/cgroup');
  expect(cgroupDirectories('/kubepods/pod1', () => true, beside)).toEqual([]);
});

describe('containerCgroups', () => {
  const hybrid = [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  ].join('\n');

  test('hybrid: one directory per hierarchy that holds the container', () => {
    const proc = [
      '10:hugetlb:/',
      `9:name=systemd:/docker/${ID}`,
      `2:cpu,cpuacct:/docker/${ID}`,
      `0::/docker/${ID}`,
    ].join('\n');
    const found = containerCgroups(proc, hybrid, cgroupNamesOf('docker', ID), everything);
    expect(found.map((c) => [c.hierarchy, c.path])).toEqual([
      [9, `/sys/fs/cgroup/systemd/docker/${ID}`],
      [2, `/sys/fs/cgroup/cpu,cpuacct/docker/${ID}`],
      [0, `/sys/fs/cgroup/unified/docker/${ID}`],
    ]);
  });

  test('v2 under systemd: the scope, not the cgroup nested in it', () => {
    const mounts = '30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';
    const proc = `0::/machine.slice/libpod-${ID}.scope/container\n`;
    expect(containerCgroups(proc, mounts, cgroupNamesOf('podman', ID), everything)).toEqual([
      {
        hierarchy: 0,
        path: `/sys/fs/cgroup/machine.slice/libpod-${ID}.scope`,
        mountpoint: '/sys/fs/cgroup',
      },
    ]);
  });

  test('a podman unit that splits its cgroup: the payload, not conmon beside it', () => {
    const mounts = '30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';
    const unit = '/system.slice/web.service';
    const of = (proc: string) =>
      containerCgroups(proc, mounts, cgroupNamesOf('podman', ID), everything).map((c) => c.path);
    expect(of(`0::${unit}/libpod-payload-${ID}`)).toEqual([
      `/sys/fs/cgroup${unit}/libpod-payload-${ID}`,
    ]);
    expect(of(`0::${unit}/runtime`)).toEqual([]);
  });

  test('a mount that shows part of the hierarchy, with escapes in its path', () => {
    const mounts = '30 23 0:27 /outer /my\\040groups rw - cgroup2 cgroup2 rw';
    const names = cgroupNamesOf('docker', ID);
    expect(containerCgroups(`0::/outer/x:y/${ID}`, mounts, names, everything)).toEqual([
      { hierarchy: 0, path: `/my groups/x:y/${ID}`, mountpoint: '/my groups' },
    ]);
    expect(containerCgroups(`0::/outermost/${ID}`, mounts, names, everything)).toEqual([]);
  });

  test.each([
    ['the root of a hierarchy', '0::/'],
    ['the cgroup of another container', `0::/docker/${OTHER}`],
    ["conmon's cgroup", `0::/libpod_parent/libpod-conmon-${ID}`],
    ['a name that only starts like it', `0::/docker/${ID}0`],
  ])('never %s', (_, proc) => {
    const mounts = '30 23 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';
    const names = [...cgroupNamesOf('docker', ID), ...cgroupNamesOf('podman', ID)];
    expect(containerCgroups(proc, mounts, names, everything)).toEqual([]);
  });

  test('a directory that this mount namespace does not show is left out', () => {
    const names = cgroupNamesOf('docker', ID);
    expect(containerCgroups(`0::/docker/${ID}`, hybrid, names, () => false)).toEqual([]);
  });

  test('lines that are neither are skipped', () => {
    expect(parseMemberships('garbage\n\n5:pids')).toEqual([]);
    expect(parseCgroupMounts('garbage\n1 2 0:3 / /x rw - ext4 /dev/x rw\n')).toEqual([]);
  });
});

test.each([
  [{ SecurityOpt: ['seccomp=unconfined'] }, true],
  [{ SecurityOpt: ['seccomp:unconfined'] }, true],
  [{ Privileged: true, SecurityOpt: null }, true],
  [{ Privileged: true, SecurityOpt: ['seccomp={}'] }, false],
  [{ Privileged: false, SecurityOpt: ['apparmor=unconfined'] }, false],
  [{}, false],
])('unconfined by configuration: %j is %s', (host, expected) => {
  expect(isUnconfined(host)).toBe(expected);
});

describe('findContainer against engines that misbehave', () => {
  let dir: string;
  let server: Server | undefined;
  const saved = { ...process.env };
  const socket = () => path.join(dir, 'engine.sock');

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'sysieve-engine-'));
    delete process.env.DOCKER_HOST;
    delete process.env.CONTAINER_HOST;
    process.env.PATH = dir;
  });

  afterEach(async () => {
    process.env = { ...saved };
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
    rmSync(dir, { recursive: true, force: true });
  });

  async function answer(routes: Record<string, [number, string]>): Promise<void> {
    const created = createServer((request, response) => {
      const [status, body] = routes[request.url ?? ''] ?? [404, '{"message":"no such container"}'];
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    server = created;
    await new Promise<void>((resolve) => created.listen(socket(), resolve));
  }

  async function failure(name: string, engine: 'auto' | 'docker' | 'podman' = 'docker') {
    const error = await findContainer(name, { engine, socket: socket() }).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SysieveError);
    return error as SysieveError;
  }

  const version: [number, string] = [200, '{"Version":"1.2.3","Components":[]}'];

  test.each([
    '--all',
    '-v',
    '../x',
    'a/b',
    'a b',
    '',
    'a\u001b[31m',
    'a?x=1',
    `${'a'.repeat(300)}`,
  ])('the name %j reaches no engine', async (name) => {
    const error = await failure(name);
    expect([error.exitCode, error.code]).toEqual([3, 'container-name-invalid']);
  });

  test('no socket there', async () => {
    const error = await failure('web');
    expect([error.exitCode, error.code]).toEqual([4, 'engine-unreachable']);
    expect(error.reason).toContain('ENOENT');
    expect(error.remedy).toContain('Start the engine');
  });

  test('no engine at all, named by what was looked for', async () => {
    const error = (await findContainer('web', { engine: 'podman' }).catch(
      (e) => e,
    )) as SysieveError;
    expect([error.exitCode, error.code]).toEqual([4, 'engine-unreachable']);
    expect(error.reason).toContain('no podman on PATH');
  });

  test('an engine on another machine', async () => {
    process.env.DOCKER_HOST = 'tcp://192.0.2.1:2375';
    const error = (await findContainer('web', { engine: 'docker' }).catch(
      (e) => e,
    )) as SysieveError;
    expect([error.exitCode, error.code]).toEqual([4, 'engine-remote']);
  });

  test("the version of an engine, and not of another on that one's socket", async () => {
    process.env.DOCKER_HOST = `unix://${socket()}`;
    await answer({ '/version': version });
    expect(await localEngineVersion('docker')).toBe('1.2.3');
    process.env.CONTAINER_HOST = process.env.DOCKER_HOST;
    const error = await localEngineVersion('podman').catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'engine-other', exitCode: 4 });
  });

  test('not found says who was asked', async () => {
    await answer({ '/version': version });
    const error = await failure('web');
    expect([error.exitCode, error.code]).toEqual([3, 'container-not-found']);
    expect(error.reason).toBe(`asked docker at ${socket()}`);
  });

  test('an ambiguous id prefix', async () => {
    await answer({
      '/version': version,
      '/containers/ab/json': [500, '{"message":"Multiple IDs found with provided prefix: ab"}'],
    });
    const error = await failure('ab');
    expect([error.exitCode, error.code]).toEqual([3, 'container-ambiguous']);
  });

  test.each([
    ['a short id', `{"Id":"abc","Name":"/web"}`, /^Id: /],
    ['not an object', '[]', /^: /],
    ['nonsense', 'nonsense', /not valid JSON/],
  ])('%s in the answer', async (_, body, reason) => {
    await answer({ '/version': version, '/containers/web/json': [200, body] });
    const error = await failure('web');
    expect([error.exitCode, error.code]).toEqual([4, 'engine-answer-unexpected']);
    expect(error.reason).toMatch(reason);
  });

  test('an engine that fails is quoted', async () => {
    await answer({
      '/version': version,
      '/containers/web/json': [500, '{"message":"database locked"}'],
    });
    const error = await failure('web');
    expect([error.exitCode, error.code]).toEqual([4, 'engine-failed']);
    expect(error.reason).toBe('HTTP 500: database locked');
  });

  test.each([
    ['exists on no machine', 4_194_303],
    ['is another process here', process.pid],
  ])('a pid of another pid namespace that %s is not taken for the container', async (_, pid) => {
    const container = {
      Id: ID,
      Name: '/web',
      Config: { Image: 'i' },
      State: { Running: true, Pid: pid, StartedAt: '2026-01-01T00:00:00Z' },
      HostConfig: {},
    };
    await answer({
      '/version': version,
      '/containers/web/json': [200, JSON.stringify(container)],
    });
    const error = await failure('web');
    expect([error.exitCode, error.code]).toEqual([4, 'container-process-not-here']);
  });
});
