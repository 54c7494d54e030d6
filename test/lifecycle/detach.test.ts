/** Recordings without a process: what is left of them whatever is killed, and whose they are. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRecording, type Run } from '../../src/recording';
import { moments } from '../support/random';
import { CLI, sysieve as command, eventually, privileged, scratch } from '../support/recorder';

const KILLS = process.env.SYSIEVE_SOAK === '1' ? 100 : 10;
const MEMORY_GOAL = 4 * 1024 * 1024;

const space = scratch();
const file = (name: string): string => join(space.dir, name);
// Of its own: what others record on this machine is not in the way, nor in danger.
const BPFFS = file('bpffs');
const RUN = file('run');
const env = { ...process.env, SYSIEVE_BPFFS: BPFFS, SYSIEVE_RUNTIME_DIR: RUN };
const sysieve = (args: readonly string[]) => command(args, { env });
const pins = (id: string): string => join(BPFFS, 'sysieve', id);
const record = (id: string): string => join(RUN, 'sysieve', 'sessions', `${id}.json`);

interface Listed {
  id: string;
  state: string;
  calls: number | null;
  distinct: number | null;
  memory: { bytes: number; most: number } | null;
}

function sessions(...args: string[]): { pruned: string[]; sessions: Listed[] } {
  const { status, stdout, stderr } = sysieve(['sessions', '--json', ...args]);
  if (status !== 0) throw new Error(`sessions: ${status}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

const states = (): [string, string][] => sessions().sessions.map(({ id, state }) => [id, state]);

function detached(name: string, pid: number | undefined, ...more: string[]) {
  return sysieve(['record', '--detach', '--session-name', name, '--pid', String(pid), ...more]);
}

function run(path: string): Run {
  const [first] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (first === undefined) throw new Error('no run');
  return first;
}

function stopped(id: string, ...more: string[]): Run {
  const output = file(`${id}.json`);
  const { status, stderr } = sysieve(['stop', id, '-o', output, ...more]);
  if (status !== 0) throw new Error(`stop: ${status}: ${stderr}`);
  return run(output);
}

function failed(args: readonly string[]): [number | null, string] {
  const { status, stdout } = sysieve([...args, '--json']);
  return [status, JSON.parse(stdout).error?.code];
}

/** A shell that runs `program` again and again. */
async function looping(program: string): Promise<ChildProcess> {
  const loop = `echo up; while :; do ${program} / >&2; sleep 0.02; done`;
  const child = spawn('sh', ['-c', loop], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

function bpftool<T>(...args: string[]): T {
  return JSON.parse(execFileSync('bpftool', ['-j', ...args], { encoding: 'utf8' }));
}

interface Described {
  id: number;
  bytes_memlock?: number;
}

/** What is pinned of one kind: link, map or prog. */
function pinned(id: string, kind: 'link' | 'map' | 'prog'): Described[] {
  if (!existsSync(pins(id))) return [];
  return readdirSync(pins(id))
    .filter((name) => name.startsWith(`${kind}_`))
    .map((name) => bpftool<Described>(kind, 'show', 'pinned', join(pins(id), name)));
}

function linksAmong(ids: readonly number[]): number[] {
  return bpftool<Described[]>('link', 'list')
    .map(({ id }) => id)
    .filter((id) => ids.includes(id));
}

/** Processes that hold one of these programs. */
function holders(programs: readonly number[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fdinfo`).some((fd) => {
          const text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
          const id = /^prog_id:\s*(\d+)$/m.exec(text)?.[1];
          return id !== undefined && programs.includes(Number(id));
        });
      } catch {
        return false; // ended meanwhile
      }
    });
}

privileged('a detached recording', () => {
  let target: ChildProcess;

  beforeAll(async () => {
    for (const directory of [BPFFS, RUN]) mkdirSync(directory, { mode: 0o700 });
    execFileSync('mount', ['-t', 'bpf', 'bpf', BPFFS]);
    target = await looping('/bin/ls');
  });

  afterAll(() => {
    target?.kill('SIGKILL');
    execFileSync('umount', [BPFFS]);
    space.remove();
  });

  afterEach(() => {
    for (const { id } of sessions('--prune').sessions) stopped(id);
  });

  it('counts on without a process, is read without an end, and is ended', async () => {
    const { status, stdout } = detached('one', target.pid);
    expect([status, stdout]).toEqual([0, 'one\n']);
    const programs = pinned('one', 'prog').map(({ id }) => id);
    expect(programs).toHaveLength(8);
    expect(holders(programs)).toEqual([]);
    await sleep(300);
    const [listed] = sessions().sessions;
    expect(listed).toMatchObject({ id: 'one', state: 'running' });
    const kept = stopped('one', '--keep');
    await sleep(300);
    const links = pinned('one', 'link').map(({ id }) => id);
    const whole = stopped('one');
    // Where stop has returned, nothing is attached any more.
    expect(linksAmong(links)).toEqual([]);
    const count = (of: Run, name: string): number =>
      of.calls.find((call) => call.name === name)?.count ?? 0;
    expect(count(kept, 'execve')).toBeGreaterThan(0);
    expect(count(whole, 'execve')).toBeGreaterThan(count(kept, 'execve'));
    expect(whole.executables).toEqual(expect.arrayContaining(['/bin/ls']));
    expect(whole.completeness).toMatchObject({ complete: false, callsLost: 0, deniedSinceMs: 0 });
    expect(whole.completeness.attachedLate?.targetAgeMs).toBeGreaterThan(0);
    expect(states()).toEqual([]);
    expect(readdirSync(join(BPFFS, 'sysieve'))).toEqual([]);
    expect(failed(['stop', 'one', '-o', file('x')])).toEqual([3, 'session-not-found']);
  });

  it(`its recorder killed while it arms, ${KILLS} times: whole, or half-made and removed`, async () => {
    const random = moments('detach');
    const seen = { 'half-made': 0, running: 0, none: 0 };
    for (let i = 0; i < KILLS; i++) {
      const name = `killed${i}`;
      const args = ['record', '--detach', '--session-name', name, '--pid', String(target.pid)];
      const child = spawn(process.execPath, [CLI, ...args], { env, stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('close', resolve));
      // As soon as there is something to see, and up to 250 ms later.
      const end = Date.now() + 20_000;
      while (!existsSync(record(name)) && child.exitCode === null && Date.now() < end)
        await sleep(1);
      await sleep(random.next(250));
      child.kill('SIGKILL');
      await ended;
      const links = pinned(name, 'link').map(({ id }) => id);
      const [[, state] = ['', 'none']] = states();
      seen[state as keyof typeof seen] += 1;
      if (state === 'running') expect(stopped(name).calls.length).toBeGreaterThan(0);
      else if (state === 'half-made') expect(sessions('--prune').pruned).toEqual([name]);
      expect(states()).toEqual([]);
      expect(existsSync(pins(name))).toBe(false);
      expect(existsSync(record(name))).toBe(false);
      await eventually('nothing is attached', () => linksAmong(links).length === 0);
    }
    process.stderr.write(`detach: ${JSON.stringify(seen)}\n`);
    expect(seen['half-made']).toBeGreaterThan(0);
    expect(target.exitCode).toBeNull();
  });

  it('two at once do not mix, and no two have one name', async () => {
    const other = await looping('/bin/cat /dev/null; /bin/mkdir -p');
    try {
      const both = [target, other].map(
        ({ pid }, at) =>
          new Promise((resolve) => {
            const args = ['record', '--detach', '--session-name', `t${at}`, '--pid', String(pid)];
            spawn(process.execPath, [CLI, ...args], { env, stdio: 'ignore' }).once(
              'close',
              resolve,
            );
          }),
      );
      expect(await Promise.all(both)).toEqual([0, 0]);
      expect(failed(['record', '--detach', '--session-name', 't0', '--pid', '1'])).toEqual([
        3,
        'session-exists',
      ]);
      await sleep(300);
      expect(states().map(([id]) => id)).toEqual(['t0', 't1']);
      const [first, second] = [stopped('t0'), stopped('t1')];
      expect(first.executables).toEqual(expect.arrayContaining(['/bin/ls']));
      expect(first.calls.map(({ name }) => name)).not.toContain('mkdir');
      expect(second.executables).toEqual(expect.arrayContaining(['/bin/mkdir']));
      expect(second.executables).not.toContain('/bin/ls');
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('whose links went away before its end is not whole', () => {
    expect(detached('cut', target.pid).status).toBe(0);
    // The exits first: one without an enter counts as lost by itself.
    const names = readdirSync(pins('cut')).filter((name) => name.startsWith('link_'));
    unlinkSync(join(pins('cut'), 'link_exit'));
    for (const name of names.filter((one) => one !== 'link_exit'))
      unlinkSync(join(pins('cut'), name));
    expect(names).toHaveLength(8);
    expect(stopped('cut').completeness.callsLost).toBeGreaterThanOrEqual(names.length);
  });

  it('that was ended and could not be written is whole at the next try', () => {
    expect(detached('twice', target.pid).status).toBe(0);
    const full = openSync('/dev/full', 'w');
    const { status } = spawnSync(process.execPath, [CLI, 'stop', 'twice', '-o', '-'], {
      env,
      stdio: ['ignore', full, 'ignore'],
    });
    closeSync(full);
    expect(status).not.toBe(0);
    expect(pinned('twice', 'link')).toEqual([]);
    expect(stopped('twice').completeness).toMatchObject({ callsLost: 0 });
  });

  it('outlives its target', async () => {
    const brief = await looping('/bin/true');
    expect(detached('brief', brief.pid).status).toBe(0);
    // It executes ten a second.
    await sleep(500);
    brief.kill('SIGKILL');
    await eventually('the target is gone', () => states()[0]?.[1] === 'target-gone');
    expect(sessions('--prune').pruned).toEqual([]);
    expect(stopped('brief').executables).toContain('/bin/true');
  });

  it('takes at most 4 MiB of the kernel with 50 executables', async () => {
    const programs = Array.from({ length: 50 }, (_, at) => file(`program${at}`));
    for (const program of programs) {
      copyFileSync('/bin/ls', program);
      chmodSync(program, 0o755);
    }
    const many = spawn(
      'sh',
      ['-c', `read go; for p in ${programs.join(' ')}; do $p /; done; echo done; read end`],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    try {
      expect(detached('many', many.pid).status).toBe(0);
      let printed = '';
      many.stdout.on('data', (text) => {
        printed += text;
      });
      many.stdin.write('go\n');
      await eventually('all have run', () => printed.endsWith('done\n'));
      const { memory } = sessions().sessions[0] ?? {};
      const parts = [...pinned('many', 'map'), ...pinned('many', 'prog')];
      const listed = parts.reduce((sum, part) => sum + (part.bytes_memlock ?? 0), 0);
      process.stderr.write(`detach: ${memory?.bytes} bytes, bpftool counts ${listed}\n`);
      expect(memory?.bytes).toBeGreaterThanOrEqual(listed);
      expect(memory?.bytes).toBeLessThanOrEqual(MEMORY_GOAL);
      expect(memory?.most).toBeGreaterThan(memory?.bytes ?? 0);
      expect(stopped('many').executables.filter((path) => programs.includes(path))).toHaveLength(
        50,
      );
    } finally {
      many.kill('SIGKILL');
    }
  });

  it('keeps to the limits, and leaves nothing where it is refused', () => {
    const args = (name: string): string[] => [
      ...['record', '--detach', '--session-name', name, '--pid', String(target.pid)],
    ];
    expect(failed([...args('large'), '--max-memory', '1M'])).toEqual([4, 'sessions-memory']);
    expect(failed(['record', '--detach', '--pid', '999999'])).toEqual([3, 'process-not-found']);
    expect(failed(args('no.dots'))).toEqual([2, 'session-name']);
    expect(states()).toEqual([]);
    for (let i = 0; i < 16; i++) mkdirSync(pins(`left${i}`), { recursive: true });
    expect(failed(args('more'))).toEqual([4, 'sessions-limit']);
    expect(sessions('--prune').pruned).toHaveLength(16);
    expect(readdirSync(join(BPFFS, 'sysieve'))).toEqual([]);
  });

  it('of another sysieve is refused, not misread, and not removed', () => {
    expect(detached('other', target.pid).status).toBe(0);
    const state = join(pins('other'), 'map_state');
    const key = ['key', 'hex', '0', '0', '0', '0'];
    const { value } = bpftool<{ value: string[] }>('map', 'lookup', 'pinned', state, ...key);
    const bytes = value.map((byte) => byte.replace('0x', ''));
    const set = (first: string): void => {
      const hex = [first, ...bytes.slice(1)];
      execFileSync('bpftool', ['map', 'update', 'pinned', state, ...key, 'value', 'hex', ...hex]);
    };
    set((Number.parseInt(bytes[0] ?? '', 16) ^ 1).toString(16));
    expect(failed(['stop', 'other', '-o', file('other.json')])).toEqual([3, 'session-version']);
    expect(existsSync(file('other.json'))).toBe(false);
    expect(sessions('--prune').pruned).toEqual([]);
    expect(states()).toEqual([['other', 'foreign']]);
    set(bytes[0] ?? '');
    const described = JSON.parse(readFileSync(record('other'), 'utf8'));
    for (const changed of [{ tracked: 'else' }, { version: 2 }]) {
      writeFileSync(record('other'), JSON.stringify({ ...described, ...changed }));
      expect(failed(['stop', 'other', '-o', file('other.json')])).toEqual([3, 'session-version']);
    }
    writeFileSync(record('other'), JSON.stringify(described));
    expect(stopped('other').calls.length).toBeGreaterThan(0);
  });

  it('of an earlier boot, or without its pins, is stale and removed', () => {
    expect(detached('past', target.pid).status).toBe(0);
    const described = JSON.parse(readFileSync(record('past'), 'utf8'));
    writeFileSync(record('past'), JSON.stringify({ ...described, boot: 'an earlier one' }));
    expect(states()).toEqual([['past', 'stale']]);
    expect(failed(['stop', 'past', '-o', file('past.json')])).toEqual([3, 'session-stale']);
    expect(sessions('--prune').pruned).toEqual(['past']);
    writeFileSync(record('gone'), JSON.stringify({ ...described, id: 'gone' }), { mode: 0o600 });
    expect(sessions('--prune').pruned).toEqual(['gone']);
  });

  it('takes no directory that others may have prepared', () => {
    const directory = join(BPFFS, 'sysieve');
    const refused = [4, 'session-directory-exposed'];
    chownSync(directory, 1, 1);
    expect(failed(['sessions'])).toEqual(refused);
    chownSync(directory, 0, 0);
    chmodSync(directory, 0o755);
    expect(failed(['record', '--detach', '--pid', String(target.pid)])).toEqual(refused);
    chmodSync(directory, 0o700);
    const elsewhere = { ...env, SYSIEVE_BPFFS: space.dir };
    const { status, stdout } = command(['sessions', '--json'], { env: elsewhere });
    expect([status, JSON.parse(stdout).error.code]).toEqual([4, 'bpffs-missing']);
  });
});
