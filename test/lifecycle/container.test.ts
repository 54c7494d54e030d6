/** A container that starts while the recorder looks at it, told by an engine that is made up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { recordContainer } from '../../src/capture/record';
import { eventually, privileged, scratch } from '../support/recorder';

const ID = 'ab'.repeat(32);
const MARK = 1000; // no such call: only the container's process makes it

function cgroupMount(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const found = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  if (found === undefined) throw new Error('no cgroup v2 mount');
  return found;
}

privileged('a container that starts between the look and the arming', () => {
  const space = scratch();
  const group = join(cgroupMount(), ID);
  const saved = process.env.DOCKER_HOST;
  let child: ChildProcess;
  let server: Server;
  let inspected = 0;

  const inspect = () => ({
    Id: ID,
    Name: '/web',
    Config: { Image: 'web' },
    State:
      inspected++ === 0
        ? { Running: false, Pid: 0, StartedAt: '0001-01-01T00:00:00Z' }
        : { Running: true, Pid: child.pid, StartedAt: new Date().toISOString().slice(0, 10) },
    HostConfig: { SecurityOpt: ['seccomp=unconfined'] },
  });

  beforeAll(async () => {
    child = spawn('unshare', [
      '--mount',
      'perl',
      '-e',
      `$| = 1; print "up\\n"; for (;;) { syscall(${MARK}); select(undef, undef, undef, 0.01) }`,
    ]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    server = createServer((request, answer) => {
      const path = new URL(request.url ?? '', 'http://engine').pathname;
      if (path === '/version') return answer.end('{"Version":"1"}');
      if (path === '/events') return answer.writeHead(200).flushHeaders();
      // The first answer is outdated as soon as it is given.
      const body = JSON.stringify(inspect());
      if (inspected === 1) {
        mkdirSync(group);
        writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
      }
      answer.end(body);
    });
    const socket = join(space.dir, 'engine.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    process.env.DOCKER_HOST = `unix://${socket}`;
  });

  afterAll(async () => {
    if (saved === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = saved;
    server.closeAllConnections();
    server.close();
    child.kill('SIGKILL');
    await eventually('the cgroup can be removed', () => {
      try {
        rmdirSync(group);
        return true;
      } catch {
        return false;
      }
    });
    space.remove();
  });

  it('is recorded, as one that was attached to late', async () => {
    const end = new AbortController();
    const { run } = await recordContainer(
      'web',
      { tracer: 'ebpf', denied: false, programs: 'auto', engine: 'docker' },
      {
        signal: end.signal,
        onReady: () => undefined,
        onNote: () => undefined,
        onProgress: ({ elapsedMs, calls }) => {
          if (calls > 10n || elapsedMs > 20_000) end.abort();
        },
      },
    );
    expect(run.calls.map((call) => call.number)).toContain(MARK);
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 0 });
    expect(run.completeness.attachedLate).not.toBeNull();
  });
});
