/** The CRI as an engine, on Debian's containerd and against answers that are not to be trusted. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import * as z from 'zod';
import {
  type ContainerEvent,
  findContainer,
  probeEngines,
  watchContainer,
} from '../../src/engines';
import { criClient } from '../../src/engines/cri/client';
import { cgroupPath } from '../../src/engines/cri/info';
import { MESSAGES, messageTypes } from '../../src/engines/cri/messages';
import { SysieveError } from '../../src/errors';
import { type CriEngine, startCri } from '../support/cri';
import { cgroupsNamed, mountsBelow, processesOf } from '../support/engine-cleanup';
import { startDocker, until } from '../support/engines';
import { privileged } from '../support/recorder';

const SLEEP = ['/bin/sleep', '1000'];
const find = (name: string, socket: string) => findContainer(name, { engine: 'cri', socket });

async function failure(name: string, socket: string): Promise<SysieveError> {
  const error = await find(name, socket).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SysieveError);
  return error as SysieveError;
}

test.each([
  ['/pods/burstable/pod1/ID', '/pods/burstable/pod1/ID'],
  [
    'kubepods-burstable-pod1.slice:cri-containerd:ID',
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-ID.scope',
  ],
  ['system.slice:crio:ID', '/system.slice/crio-ID.scope'],
  [':crio:ID', '/system.slice/crio-ID.scope'],
  ['/a/../../b', null],
  ['relative/ID', null],
  ['', null],
])('the cgroup of %j is %j', (given, expected) => {
  expect(cgroupPath(given)).toBe(expected);
});

privileged('pods of containerd', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sysieve-cri-'));
  let cri: CriEngine;
  const ask = (name: string) => find(name, cri.socket);

  beforeAll(async () => {
    cri = await startCri(dir);
  });
  afterAll(async () => {
    await cri?.stop();
    expect([mountsBelow(dir), processesOf(dir)]).toEqual([[], []]);
    expect(cgroupsNamed(`sysieve-${path.basename(dir)}`)).toEqual([]);
  });

  test('by pod, id, the start of an id and name; never by a guess', async () => {
    const [web, db] = [await cri.runPod('shop/web'), await cri.runPod('shop/db')];
    const id = await cri.create(web, 'app', SLEEP);
    const made = await ask('shop/web');
    expect(made).toMatchObject({ id, ref: 'shop/web/app', running: false, unstarted: true });
    expect(made.runtime?.name).toBe('runc');
    await cri.start(id);
    for (const name of ['shop/web', 'shop/web/app', id, id.slice(0, 20), 'app']) {
      expect(await ask(name)).toMatchObject({ id, name: 'shop/web/app', running: true });
    }
    const info = await ask('app');
    expect(info.cgroups.length).toBeGreaterThan(0);
    for (const cgroup of info.cgroups) expect(cgroup.path.endsWith(`/${id}`)).toBe(true);
    await cri.start(await cri.create(db, 'app', SLEEP));
    expect(await failure('app', cri.socket)).toMatchObject({
      code: 'container-ambiguous',
      reason: 'shop/db/app, shop/web/app',
    });
    for (const none of ['shop/none', 'shop', 'other/web', 'web']) {
      expect(await failure(none, cri.socket)).toMatchObject({ code: 'container-not-found' });
    }
    for (const bad of ['a/b/c/d', '../x', 'a/', '/a', 'a/b\u001b[31m']) {
      expect(await failure(bad, cri.socket)).toMatchObject({ code: 'container-name-invalid' });
    }
    await cri.removePod(web);
    await cri.removePod(db);
  });

  test('watch: made anew, started, died, waited for, removed', async () => {
    const pod = await cri.runPod('shop/watched');
    const events: ContainerEvent[] = [];
    const types = () => events.map((event) => event.type).join(' ');
    const told = (what: string) => until(what, 10_000, () => types().endsWith(what));
    const waited = await ask('shop/watched/app');
    expect(waited).toMatchObject({ id: '', running: false, cgroupNames: [] });
    const done = watchContainer(waited, (e) => events.push(e), new AbortController().signal);
    const first = await cri.create(pod, 'app', SLEEP);
    await cri.start(first);
    await told('made started');
    await cri.stopContainer(first);
    await told('made started died');
    await cri.removeContainer(first);
    const second = await cri.create(pod, 'app', SLEEP, { attempt: 1 });
    await told('made started died made');
    await cri.start(second);
    await told('made started died made started');
    expect(events.at(-2)).toMatchObject({ container: { id: second, unseen: 0 } });
    await cri.removePod(pod);
    await done;
    expect(types()).toBe('made started died made started died removed');
  });

  test('containerd without its CRI plugin is told from one that is not there', async () => {
    const other = path.join(dir, 'docker');
    mkdirSync(other);
    const docker = await startDocker(other);
    try {
      const without = await failure('app', path.join(other, 'containerd.sock'));
      expect(without).toMatchObject({ code: 'engine-unreachable', exitCode: 4 });
      expect(without.remedy).toContain('disabled_plugins');
    } finally {
      await docker.stop();
    }
    const absent = await failure('app', path.join(dir, 'none.sock'));
    expect(absent).toMatchObject({ code: 'engine-unreachable', exitCode: 4 });
    expect(absent.remedy).toContain('CONTAINER_RUNTIME_ENDPOINT');
    const saved = { ...process.env };
    process.env = cri.env;
    const probe = (await probeEngines()).find(({ engine }) => engine === 'cri');
    process.env = saved;
    expect(probe?.ok).toBe(true);
    expect(probe?.detail).toMatch(/cri\.sock: containerd 1\./);
  });
});

describe('a runtime that is not what it should be', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sysieve-cri-'));
  const socket = path.join(dir, 'cri.sock');
  let end: () => void = () => undefined;
  afterEach(() => end());
  afterAll(() => rmSync(dir, { recursive: true }));

  const ID = 'ab'.repeat(32);
  const good = {
    ListPodSandbox: { items: [{ id: ID, metadata: { name: 'web', namespace: 'shop' } }] },
    ListContainers: {
      containers: [{ id: ID, podSandboxId: ID, metadata: { name: 'app' }, createdAt: '1' }],
    },
    ContainerStatus: { status: { state: 1, startedAt: '1' }, info: { info: '{"pid":1}' } },
  };

  async function serve(answers: Record<string, object>): Promise<void> {
    const type = messageTypes(MESSAGES);
    const server = new grpc.Server();
    const methods = Object.keys(answers);
    server.addService(
      Object.fromEntries(
        methods.map((method) => [
          method,
          {
            path: `/runtime.v1.RuntimeService/${method}`,
            requestStream: false,
            responseStream: false,
            requestSerialize: (value: Buffer) => value,
            requestDeserialize: (bytes: Buffer) => bytes,
            responseSerialize: (value: object) =>
              Buffer.from(type(`${method}Response`).encode(value).finish()),
            responseDeserialize: (bytes: Buffer) => bytes,
          },
        ]),
      ),
      Object.fromEntries(
        methods.map((method) => [
          method,
          (_: unknown, answer: (error: null, value: object) => void) =>
            answer(null, answers[method] ?? {}),
        ]),
      ),
    );
    const credentials = grpc.ServerCredentials.createInsecure();
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socket}`, credentials, (error) =>
        error ? reject(error) : resolve(),
      );
    });
    end = () => server.forceShutdown();
  }

  test('a process that is not in the cgroup of its container is nobody’s', async () => {
    await serve(good);
    const refused = await failure('shop/web', socket);
    expect(refused).toMatchObject({ code: 'container-process-not-here', exitCode: 4 });
  });

  const container = { podSandboxId: ID, metadata: { name: 'app' }, createdAt: '1' };
  test.each([
    ['an id that is a path', { ListContainers: { containers: [{ ...container, id: '../x' }] } }],
    [
      'an id without end',
      { ListContainers: { containers: [{ ...container, id: 'a'.repeat(999) }] } },
    ],
    ['no JSON', { ContainerStatus: { ...good.ContainerStatus, info: { info: '{' } } }],
    ['no pid', { ContainerStatus: { ...good.ContainerStatus, info: { info: '{"pid":"1"}' } } }],
  ])('%s', async (_, answers) => {
    await serve({ ...good, ...answers });
    expect(await failure('shop/web', socket)).toMatchObject({ code: 'engine-answer-unexpected' });
  });

  test('more than a node’s whole list', async () => {
    await serve({ ...good, ContainerStatus: { info: { info: 'x'.repeat(17 << 20) } } });
    expect(await failure('shop/web', socket)).toMatchObject({ code: 'engine-failed', exitCode: 4 });
  });

  test('no answer at all', async () => {
    const silent = new Set<Socket>();
    const server: Server = createServer((connection) => silent.add(connection));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    end = () => {
      for (const connection of silent) connection.destroy();
      server.close();
    };
    const asked = criClient(socket).ask('Version', {}, z.unknown(), 200);
    await expect(asked).rejects.toMatchObject({ reason: 'no answer within 0.2 s', exitCode: 4 });
  });

  test('bytes that are no HTTP/2', async () => {
    const server: Server = createServer((connection) => connection.end('HTTP/1.1 400 No\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    end = () => server.close();
    expect(await failure('shop/web', socket)).toMatchObject({ code: 'engine-unreachable' });
  });
});
