/** A private nginx on loopback, and a load on it that compares every byte that is served. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './image-load';
import { allTasks } from './tasks';

const PAGE = randomBytes(96 * 1024);

export interface Nginx {
  command: string[];
  port: number;
}

/** Everything it writes lies in `dir`. */
export async function prepareNginx(dir: string, workers = 2): Promise<Nginx> {
  const port = await freePort();
  mkdirSync(join(dir, 'www'), { recursive: true });
  writeFileSync(join(dir, 'www', 'page'), PAGE);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${dir}/${kind};`)
    .join(' ');
  const conf = `user root; daemon off; worker_processes ${workers}; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 64; }
http { access_log off; ${temporary} server { listen 127.0.0.1:${port}; root ${dir}/www; } }
`;
  writeFileSync(join(dir, 'nginx.conf'), conf);
  const command = ['nginx', '-e', join(dir, 'error.log'), '-p', dir, '-c', `${dir}/nginx.conf`];
  return { command, port };
}

function fetchPage(port: number, agent: http.Agent | false): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = http.get(
      { host: '127.0.0.1', port, path: '/page', timeout: 10_000, agent },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const got = Buffer.concat(parts);
          if (response.statusCode === 200 && got.equals(PAGE)) resolve();
          else reject(new Error(`status ${response.statusCode}, ${got.length} bytes`));
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.on('error', reject);
  });
}

/** Until it serves, or `alive` says that it never will. */
export async function nginxServes(port: number, alive: () => boolean = () => true): Promise<void> {
  for (let tried = 0; ; tried++) {
    try {
      return await fetchPage(port, false);
    } catch (error) {
      if (tried > 300 || !alive()) throw error;
      await sleep(50);
    }
  }
}

export interface Load {
  /** Requests answered so far, each with the right bytes. */
  served(): number;
  /** Waits for `count` further ones; rejects with the first request that went wrong. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Four clients that ask again and again: two keep their connections, two make one each time. */
export function startLoad(port: number): Load {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
  let served = 0;
  let stopped = false;
  let wrong: unknown;
  const client = async (connection: http.Agent | false): Promise<void> => {
    while (!stopped && wrong === undefined) {
      try {
        await fetchPage(port, connection);
        served++;
      } catch (error) {
        if (!stopped) wrong = error;
      }
      await sleep(2);
    }
  };
  const clients = [client(agent), client(agent), client(false), client(false)];
  return {
    served: () => served,
    async more(count) {
      const goal = served + count;
      const end = Date.now() + 20_000;
      while (served < goal) {
        if (wrong !== undefined) throw wrong;
        if (Date.now() > end) throw new Error(`served ${served}, not ${goal}, within 20 s`);
        await sleep(10);
      }
    },
    async stop() {
      stopped = true;
      await Promise.all(clients);
      agent.destroy();
      if (wrong !== undefined) throw wrong;
    },
  };
}

/** The tasks of a server that are not as a server's should be: stopped, traced, or gone. */
export function unwell(master: number, processes: number): string[] {
  const tasks = allTasks(master);
  const found = tasks
    .filter(({ state, tracer }) => tracer !== 0 || !'RSDI'.includes(state))
    .map(({ tid, state, tracer }) => `task ${tid}: state ${state}, traced by ${tracer}`);
  const living = new Set(tasks.map(({ pid }) => pid)).size;
  return living === processes ? found : [...found, `${living} processes, not ${processes}`];
}
