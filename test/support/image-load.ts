/** Loads that use each server the way its users do; the same before and under a profile. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { runCommand, type TestEngine, until } from './engines';

export interface Load {
  engine: TestEngine;
  container: string;
  port: number;
}

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Answer {
  status: number;
  length: number;
  encoding: string | undefined;
}

function request(
  port: number,
  path: string,
  options: { method?: string; headers?: http.OutgoingHttpHeaders; agent?: http.Agent } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = http.request(
      { host: '127.0.0.1', port, path, timeout: 5_000, agent: false, ...options },
      (response) => {
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            length,
            encoding: response.headers['content-encoding'],
          }),
        );
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer for ${path}`)));
    asked.on('error', reject);
    asked.end();
  });
}

function expectAnswer(what: string, got: Answer, status: number, length?: number): void {
  if (got.status !== status || (length !== undefined && got.length !== length)) {
    throw new Error(`${what}: status ${got.status}, ${got.length} bytes`);
  }
}

export async function nginxReady({ port }: Load): Promise<void> {
  await until(`nginx on port ${port}`, 10_000, () =>
    request(port, '/').then(
      (a) => a.status === 200,
      () => false,
    ),
  );
}

async function workers({ engine, container }: Load): Promise<string> {
  const pid = await engine.cli('inspect', '-f', '{{.State.Pid}}', container);
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
}

async function nginxRequests(port: number, agent: http.Agent): Promise<void> {
  const large = 4_194_304;
  for (let i = 0; i < 50; i++) {
    expectAnswer('a static file', await request(port, '/', { agent }), 200);
    expectAnswer('a missing file', await request(port, `/missing-${i}`, { agent }), 404);
  }
  const compressed = await request(port, '/', { headers: { 'accept-encoding': 'gzip' }, agent });
  if (compressed.encoding !== 'gzip') throw new Error('the page was not compressed');
  expectAnswer('a head', await request(port, '/', { method: 'HEAD', agent }), 200, 0);
  expectAnswer('a post', await request(port, '/', { method: 'POST' }), 405);
  const range = { range: 'bytes=10-19' };
  expectAnswer('a range', await request(port, '/large.txt', { headers: range }), 206, 10);
  // Many at once, so that every worker serves and sends block.
  const many = Array.from({ length: 16 }, () => request(port, '/large.txt'));
  for (const got of await Promise.all(many)) expectAnswer('a large file', got, 200, large);
}

export async function nginxLoad(load: Load): Promise<void> {
  const { engine, container, port } = load;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  try {
    await nginxRequests(port, agent);
    const before = await workers(load);
    await engine.cli('kill', '-s', 'HUP', container);
    const isNew = (pids: string) => !pids.split(' ').some((pid) => before.split(' ').includes(pid));
    await until('new workers after the reload', 10_000, async () => {
      const now = await workers(load);
      return now.split(' ').length === 2 && isNew(now);
    });
    await nginxRequests(port, agent);
    // What logrotate asks for.
    await engine.cli('kill', '-s', 'USR1', container);
    await nginxRequests(port, agent);
  } finally {
    agent.destroy();
  }
}

async function redis(port: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand('redis-cli', ['-p', String(port), ...args]);
  if (code !== 0 || /^(ERR|MISCONF|NOPERM)/.test(stdout)) {
    throw new Error(`redis-cli ${args.join(' ')}: ${stdout}${stderr}`);
  }
  return stdout.trim();
}

async function expectReply(port: number, expected: string, ...args: string[]): Promise<void> {
  const got = await redis(port, ...args);
  if (got !== expected) throw new Error(`redis-cli ${args.join(' ')}: ${got.slice(0, 100)}`);
}

export async function redisReady({ port }: Load): Promise<void> {
  await until(`redis on port ${port}`, 10_000, () =>
    redis(port, 'ping').then(
      (reply) => reply === 'PONG',
      () => false,
    ),
  );
}

export async function redisLoad({ port }: Load): Promise<void> {
  await expectReply(port, 'OK', 'set', 'key', 'value');
  await expectReply(port, 'value', 'get', 'key');
  const tests = 'set,get,incr,lpush,lrange_100,hset,mset';
  const args = ['-p', String(port), '-q', '-c', '20', '-P', '16', '-n', '20000', '-t', tests];
  const { code, stderr } = await runCommand('redis-benchmark', args);
  if (code !== 0) throw new Error(`redis-benchmark: ${stderr}`);
  // Larger than the socket buffers both ways, then freed by the background thread.
  const fill = "redis.call('set', KEYS[1], string.rep('x', 8388608)) return 'made'";
  await expectReply(port, 'made', 'eval', fill, '1', 'big');
  const big = await redis(port, 'get', 'big');
  if (big.length !== 8_388_608) throw new Error(`the large value has ${big.length} bytes`);
  await expectReply(port, '1', 'unlink', 'big');
  await expectReply(port, 'OK', 'config', 'set', 'maxmemory', '256mb');
  if (!(await redis(port, 'config', 'get', 'maxmemory')).includes('268435456')) {
    throw new Error('the configuration was not set');
  }
  await expectReply(port, 'Background saving started', 'bgsave');
  await until('the background save', 20_000, async () => {
    const info = await redis(port, 'info', 'persistence');
    if (/rdb_last_bgsave_status:err/.test(info)) throw new Error('the background save failed');
    return /rdb_bgsave_in_progress:0/.test(info) && !/rdb_last_save_time:0\b/.test(info);
  });
  await redis(port, 'info', 'all');
  await redis(port, 'client', 'list');
  await expectReply(port, 'OK', 'flushall', 'async');
}
