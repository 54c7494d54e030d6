/**
 * Real programs under a real load, for two witnesses: each starts when told to, is driven, and ends.
 * Servers listen on loopback and keep everything in a directory of their own.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { runCommand, until } from './engines';
import { freePort } from './image-load';
import { nginxServes, prepareNginx, startLoad } from './nginx';
import { descendants } from './tasks';

export interface Started {
  /** An absolute path and its arguments. */
  command: string[];
  /** What is asked of it once it runs; then it must end. Without: it ends by itself. */
  drive?(pid: number): Promise<void>;
}

export interface RealProgram {
  name: string;
  /** Files it must have; the suite fails, with the package, where one is missing. */
  needs: readonly string[];
  start(dir: string): Promise<Started>;
}

async function must(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code} ${stdout} ${stderr}`);
  return stdout.trim();
}

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = http.get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    });
    asked.on('error', reject);
  });
}

const answers = (port: number, path: string): Promise<boolean> =>
  get(port, path).then(
    () => true,
    () => false,
  );

async function askTimes(port: number, path: string, times: number, body: string): Promise<void> {
  await until(`an answer on port ${port}`, 30_000, () => answers(port, path));
  for (let i = 0; i < times; i++) {
    const got = await get(port, path);
    if (got !== body) throw new Error(`${path}: ${got.slice(0, 80)}`);
  }
}

/** One command by its words. */
const once = (
  name: string,
  needs: string[],
  make: (dir: string) => Promise<string[]>,
): RealProgram => ({
  name,
  needs,
  start: async (dir) => ({ command: await make(dir) }),
});

const NGINX: RealProgram = {
  name: 'nginx',
  needs: ['/usr/sbin/nginx'],
  async start(dir) {
    const { command, port } = await prepareNginx(dir);
    const [, ...args] = command;
    return {
      command: ['/usr/sbin/nginx', ...args],
      async drive(pid) {
        await nginxServes(port);
        const askedFor = async (times: number): Promise<void> => {
          const load = startLoad(port);
          await load.more(times);
          await load.stop();
        };
        await askedFor(60);
        // Between two loads: the old workers end with the connections that they keep for one.
        const old = descendants(pid);
        process.kill(pid, 'SIGHUP');
        await until('the old workers are gone', 20_000, () => {
          const now = descendants(pid);
          return now.length === old.length && !now.some((worker) => old.includes(worker));
        });
        await askedFor(60);
        process.kill(pid, 'SIGTERM');
      },
    };
  },
};

const REDIS: RealProgram = {
  name: 'redis',
  needs: ['/usr/bin/redis-server', '/usr/bin/redis-cli'],
  async start(dir) {
    const port = `${await freePort()}`;
    const cli = (...args: string[]) => must('/usr/bin/redis-cli', ['-p', port, ...args]);
    const options = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--appendonly', 'yes'];
    return {
      command: ['/usr/bin/redis-server', ...options],
      async drive() {
        const ready = () =>
          cli('ping').then(
            (reply) => reply === 'PONG',
            () => false,
          );
        await until('redis', 30_000, ready);
        const load = ['-p', port, '-q', '-n', '200', '-c', '5', '-t', 'set,get,lpush'];
        await must('/usr/bin/redis-benchmark', load);
        await cli('set', 'key', 'x'.repeat(10_000));
        await cli('bgsave');
        const saved = async () => /rdb_bgsave_in_progress:0/.test(await cli('info', 'persistence'));
        await until('the background save', 30_000, saved);
        await cli('shutdown');
      },
    };
  },
};

const POSTGRES_BIN = ((): string => {
  const all = '/usr/lib/postgresql';
  const versions = existsSync(all) ? readdirSync(all).map(Number) : [];
  return `${all}/${Math.max(0, ...versions)}/bin`;
})();
const POSTGRES: RealProgram = {
  name: 'postgres',
  needs: [`${POSTGRES_BIN}/postgres`, '/usr/bin/psql'],
  async start(dir) {
    const port = `${await freePort()}`;
    const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];
    const data = join(dir, 'data');
    mkdirSync(data);
    await must('chown', ['postgres', data]);
    const init = [`${POSTGRES_BIN}/initdb`, '--no-sync', '-A', 'trust', '-D', data];
    await must('setpriv', [...as, ...init]);
    const sql = (text: string) =>
      must('/usr/bin/psql', ['-h', '127.0.0.1', '-p', port, '-U', 'postgres', '-c', text]);
    const options = ['-D', data, '-k', data, '-h', '127.0.0.1', '-p', port];
    return {
      command: ['/usr/bin/setpriv', ...as, `${POSTGRES_BIN}/postgres`, ...options],
      async drive() {
        await until('postgres', 30_000, () =>
          sql('select 1').then(
            () => true,
            () => false,
          ),
        );
        await sql('create table t as select i, i * 2 as j from generate_series(1, 20000) i');
        await sql('create index on t (i)');
        await sql('select sum(j) from t where i < 100; update t set j = j + 1 where i < 500');
        await sql('vacuum analyze t');
        await sql('checkpoint');
        const [master = ''] = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
        process.kill(Number(master), 'SIGINT');
      },
    };
  },
};

const NODE: RealProgram = {
  name: 'node',
  needs: [process.execPath],
  async start(dir) {
    const port = await freePort();
    const script = join(dir, 'server.js');
    writeFileSync(
      script,
      `const http = require('node:http'), fs = require('node:fs');
http.createServer((request, response) => {
  if (request.url === '/end') return response.end('end', () => process.exit());
  fs.readFile(__filename, () => response.end('page'));
}).listen(${port}, '127.0.0.1');
`,
    );
    return {
      command: [process.execPath, script],
      async drive() {
        await askTimes(port, '/', 20, 'page');
        await get(port, '/end').catch(() => '');
      },
    };
  },
};

const PYTHON: RealProgram = {
  name: 'python3 http.server',
  needs: ['/usr/bin/python3'],
  async start(dir) {
    const port = await freePort();
    writeFileSync(join(dir, 'page'), 'page');
    const args = ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', dir, `${port}`];
    return {
      command: ['/usr/bin/python3', ...args],
      async drive(pid) {
        await askTimes(port, '/page', 20, 'page');
        process.kill(pid, 'SIGTERM');
      },
    };
  },
};

const SQLITE = once('sqlite3', ['/usr/bin/sqlite3'], async (dir) => [
  '/usr/bin/sqlite3',
  join(dir, 'base.db'),
  `pragma journal_mode=wal; create table t(a, b);
   with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
     insert into t select i, hex(randomblob(20)) from n;
   create index ta on t(a); delete from t where a % 3 = 0; select count(*) from t; vacuum;`,
]);

const GIT = once('git clone', ['/usr/bin/git'], async (dir) => {
  const git = (...args: string[]) => must('/usr/bin/git', ['-C', join(dir, 'from'), ...args]);
  mkdirSync(join(dir, 'from'));
  await git('init', '-q');
  for (let i = 0; i < 20; i++)
    writeFileSync(join(dir, 'from', `file-${i}`), `${i}\n`.repeat(i + 1));
  await git('add', '.');
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@localhost'];
  await git(...who, 'commit', '-q', '-m', 'all');
  // Through the transport, not by links: that starts processes and threads.
  return ['/usr/bin/git', 'clone', '-q', '--no-local', join(dir, 'from'), join(dir, 'to')];
});

const GCC = once('gcc', ['/usr/bin/gcc'], async (dir) => {
  const source = join(dir, 'a.c');
  writeFileSync(source, '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n');
  return ['/usr/bin/gcc', '-O2', '-o', join(dir, 'a'), source];
});

const TAR = once('tar and xz', ['/usr/bin/tar', '/usr/bin/xz'], async (dir) => {
  mkdirSync(join(dir, 'files'));
  for (let i = 0; i < 20; i++) writeFileSync(join(dir, 'files', `${i}`), `${i}`.repeat(3_000));
  return ['/usr/bin/tar', '-C', dir, '-cJf', join(dir, 'files.tar.xz'), 'files'];
});

const PERL = once('perl', ['/usr/bin/perl'], async (dir) => {
  const script = join(dir, 'a.pl');
  writeFileSync(
    script,
    `use Socket; use IO::Handle;
$SIG{CHLD} = 'DEFAULT'; $SIG{USR1} = sub { $got++ };
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die;
for (1 .. 5) {
  my $child = fork;
  if (!$child) { syswrite $b, "x"; exit 3 }
  sysread $a, my $byte, 1; waitpid $child, 0; die unless $? >> 8 == 3;
}
kill USR1 => $$; die unless $got == 1;
open my $pipe, '-|', '/bin/echo', 'said' or die; die unless <$pipe> eq "said\\n"; close $pipe;
mkdir '${dir}/d'; rename '${dir}/d', '${dir}/e'; rmdir '${dir}/e'; utime 1, 1, '${dir}/a.pl';
my @list = sort { $a <=> $b } map { rand } 1 .. 1000;
`,
  );
  return ['/usr/bin/perl', script];
});

const BUSYBOX = once('busybox', ['/bin/busybox'], async (dir) => {
  const b = '/bin/busybox';
  const script = `cd ${dir} && for i in 1 2 3; do echo $i > f$i; done
${b} cat f1 f2 f3 | ${b} sort -r | ${b} sed s/1/one/ > out; ${b} gzip out; ${b} gunzip out.gz
${b} find . -name 'f*' | ${b} xargs ${b} md5sum; ${b} mv f1 g1; ${b} ln -s g1 h1; ${b} rm f2; ${b} ls -la`;
  return [b, 'sh', '-c', script];
});

/** Debian has no static Go program that does work without a daemon: this one is dynamically linked. */
const GO = once('runc (Go)', ['/usr/sbin/runc'], async (dir) => {
  const runc = '/usr/sbin/runc';
  const root = `${runc} --root ${dir}/root`;
  return ['/bin/sh', '-c', `cd ${dir} && ${runc} spec && ${root} list && ${runc} --version`];
});

export const REAL_PROGRAMS: readonly RealProgram[] = [
  NGINX,
  REDIS,
  POSTGRES,
  NODE,
  PYTHON,
  SQLITE,
  GIT,
  GCC,
  TAR,
  PERL,
  BUSYBOX,
  GO,
];
