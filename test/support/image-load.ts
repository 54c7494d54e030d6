/** Loads that use each server the way its users do; the same before and under a profile. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
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

const APPS = path.join(__dirname, '../../fixtures/apps');

/** The load of an app, the one that `sysieve.config.json` names. */
async function drive(app: string, port: number): Promise<void> {
  const load = path.join(APPS, app, 'load.js');
  const { code, stderr } = await runCommand(process.execPath, [load, String(port)]);
  if (code !== 0) throw new Error(`the load of ${app}: ${stderr}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = http.get(
      { host: '127.0.0.1', port, timeout: 5_000, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
  });
}

export async function nginxReady({ port }: Load): Promise<void> {
  await until(`nginx on port ${port}`, 10_000, () => answers(port));
}

async function workers({ engine, container }: Load): Promise<string> {
  const pid = await engine.cli('inspect', '-f', '{{.State.Pid}}', container);
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
}

export async function nginxLoad(load: Load): Promise<void> {
  const { engine, container, port } = load;
  await drive('nginx', port);
  const before = await workers(load);
  await engine.cli('kill', '-s', 'HUP', container);
  const isNew = (pids: string) => !pids.split(' ').some((pid) => before.split(' ').includes(pid));
  await until('new workers after the reload', 10_000, async () => {
    const now = await workers(load);
    return now.split(' ').length === 2 && isNew(now);
  });
  await drive('nginx', port);
  // What logrotate asks for.
  await engine.cli('kill', '-s', 'USR1', container);
  await drive('nginx', port);
}

export async function redisReady({ port }: Load): Promise<void> {
  await until(`redis on port ${port}`, 10_000, async () => {
    const { stdout } = await runCommand('redis-cli', ['-p', String(port), 'ping']);
    return stdout.trim() === 'PONG';
  });
}

export function redisLoad({ port }: Load): Promise<void> {
  return drive('redis', port);
}
