/**
 * The live view in a real terminal: looked at in tmux, where it stands beside what the command itself
 * prints, is resized, and ends in every way. Goldens as in test/unit/live.test.ts, figures masked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRecording } from '../../src/recording';
import { CLI, eventually, privileged, ROOT, scratch } from '../support/recorder';
import { startTerminal, type Terminal } from '../support/tmux';

const GOLDENS = join(ROOT, 'fixtures/terminal');
const space = scratch();
const file = (name: string): string => join(space.dir, name);
const open: Terminal[] = [];
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.close();
});
afterAll(() => space.remove());

function terminal(args: string, options?: Parameters<typeof startTerminal>[2]): Terminal {
  const started = startTerminal(space.dir, `${process.execPath} ${CLI} ${args}`, options);
  open.push(started);
  return started;
}

/** Prints what it is told to, and makes the same calls over and over: the newest is getppid. */
writeFileSync(
  file('target.pl'),
  '$| = 1; print "up\\n"; $SIG{TERM} = sub { exit 0 }; ' +
    'while (!-e "$ARGV[0].stop") { select(undef, undef, undef, 0.05); getppid; ' +
    'if (-e "$ARGV[0].say") { print "said $_\\n" for 1 .. 30; unlink "$ARGV[0].say" } }\n',
);
const command = (name: string): string => `perl target.pl ${name}`;
const tell = (name: string, what: 'say' | 'stop'): void =>
  writeFileSync(file(`${name}.${what}`), '');

/** What differs from run to run and from host to host. */
function masked(lines: readonly string[]): string {
  const text = lines
    .map((line) =>
      line
        .replace('something new just now', 'nothing new for 1s')
        .replace(/─{3,}/g, '───')
        .replace(/\d[\d,.]*(m\d+)?/g, '#')
        .replace(/# (calls|tuples|argument tuples|executables?)\b/g, '# $1')
        .replace(/ {2,}/g, '  ')
        .trimEnd(),
    )
    .join('\n');
  return `${text.replace(/\n{2,}/g, '\n\n').trim()}\n`;
}

function expectGolden(name: string, lines: readonly string[]): void {
  const golden = join(GOLDENS, `${name}.txt`);
  if (process.env.SYSIEVE_GOLDENS === 'write') writeFileSync(golden, masked(lines));
  expect(masked(lines)).toBe(readFileSync(golden, 'utf8'));
}

async function nextFrame(terminal: Terminal): Promise<void> {
  const before = terminal.sent().length;
  await eventually('a frame is drawn', () => {
    const sent = terminal.sent();
    return sent.length > before && sent.endsWith('\u001b[?2026l');
  });
}

const BLOCK = /^(── | (rate|distinct|newest|saturation) )/;

privileged('in a terminal', () => {
  it('the view stands below what the command prints, survives resizes and leaves nothing', async () => {
    const seen = terminal(`record -o a.json -- ${command('a')}`);
    await seen.shows(/newest +getppid by \/usr\/bin\/perl, [1-9]/);
    tell('a', 'say');
    await seen.shows(/said 30\n[\s\S]*newest +unlink by/);
    expectGolden('tmux-record-80', seen.screen());
    expect(
      seen
        .screen()
        .slice(-5)
        .every((line) => BLOCK.test(line)),
    ).toBe(true);
    expect(seen.screen().at(-5)?.length).toBe(79);
    for (const [columns, rows] of [
      [50, 24],
      [120, 30],
      [30, 12],
      [80, 24],
    ] as const) {
      // Just after a frame: one on its way to a terminal of another size lands where it may.
      await nextFrame(seen);
      seen.resize(columns, rows);
      const title = columns < 40 ? /^\d+s perl/m : new RegExp(`^── .{${columns - 7}} ──$`, 'm');
      await seen.shows(title);
      const block = seen.screen().slice(columns < 40 ? -4 : -5);
      for (const line of block) expect(line.length).toBeLessThan(columns);
      // Once: what stood there before the resize is gone.
      expect(seen.screen().filter((line) => /unlink by /.test(line)).length).toBe(1);
      expectGolden(`tmux-record-${columns}x${rows}`, block);
    }
    tell('a', 'say');
    await sleep(300);
    tell('a', 'stop');
    await seen.shows(/status 0/);
    expectGolden('tmux-record-end', seen.lines());
    for (const line of seen.lines()) {
      expect(line).not.toMatch(BLOCK);
      expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(seen.restored()).toBe(true);
    const sent = seen.sent();
    // No full clear, and each frame is whole: begun, ended, and small.
    expect(sent).not.toMatch(/\u001b\[[0-3]?J|\u001bc|\u001b\[\?1049/);
    const frames = sent.match(/\u001b\[\?2026h.*?\u001b\[\?2026l/gs) ?? [];
    expect(frames.length).toBeGreaterThan(8);
    expect(sent.split('\u001b[?2026h').length - 1).toBe(frames.length);
    for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThan(1_500);
    const steady = frames.filter(
      (frame) => !frame.includes('\u001bD') && !frame.includes('\u001b[r'),
    );
    expect(steady.length).toBeGreaterThan(3);
    for (const frame of steady) expect(Buffer.byteLength(frame)).toBeLessThan(600);
  });

  it('SIGINT, SIGTERM and SIGHUP restore it', async () => {
    const ended = async (signal: NodeJS.Signals): Promise<void> => {
      const output = file(`${signal}.json`);
      const target = spawn('perl', [file('target.pl'), file(signal)]);
      await once(target.stdout, 'data');
      const seen = terminal(`record --pid ${target.pid} -o ${output}`);
      await seen.shows(/! attached late: no start of it was seen so far/);
      // Its cursor is hidden, and the last lines do not scroll.
      expect(seen.restored()).toBe(false);
      process.kill(seen.pid(), signal);
      await seen.shows(/status 0/);
      expect(seen.restored()).toBe(true);
      expect(seen.lines().filter((line) => BLOCK.test(line) || /^ !/.test(line))).toEqual([]);
      expect(parseRecording(readFileSync(output, 'utf8'), output).runs.length).toBe(1);
      tell(signal, 'stop');
      await once(target, 'close');
    };
    await Promise.all((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(ended));
  });

  it('a terminal that goes away takes no recording with it', async () => {
    const output = file('hung-up.json');
    const target = spawn('perl', [file('target.pl'), file('hung-up')]);
    await once(target.stdout, 'data');
    const seen = terminal(`record --pid ${target.pid} -o ${output}`);
    await seen.shows(/saturation/);
    seen.close();
    await eventually('the recording is written', () => existsSync(output));
    expect(parseRecording(readFileSync(output, 'utf8'), output).runs.length).toBe(1);
    tell('hung-up', 'stop');
    await once(target, 'close');
  });

  it('an error restores it, and stands where it was', async () => {
    mkdirSync(file('gone'));
    const seen = terminal(`record -o ${file('gone/a.json')} -- ${command('gone/b')}`);
    await seen.shows(/saturation/);
    rmSync(file('gone'), { recursive: true });
    process.kill(seen.pid(), 'SIGTERM');
    await seen.shows(/status 3/);
    const [, kept] = /The recording was kept as\s+(\S+)\.$/m.exec(seen.screen().join('\n')) ?? [];
    rmSync(kept ?? 'the name of the file that it was kept in');
    expect(seen.restored()).toBe(true);
    expect(seen.lines().filter((line) => BLOCK.test(line))).toEqual([]);
  });

  it('nothing is rewritten in CI, quiet, or on a terminal that cannot', async () => {
    const plain = async (name: string, env: string, flag = ''): Promise<void> => {
      const started = startTerminal(
        space.dir,
        `env ${env} ${process.execPath} ${CLI} record ${flag} -o ${name}.json -- ${command(name)}`,
      );
      open.push(started);
      await started.shows(/up/);
      await sleep(1_500);
      tell(name, 'stop');
      await started.shows(/status 0/);
      expect(started.sent()).not.toContain('\u001b');
      expect(started.sent()).toContain('written to');
    };
    await Promise.all([
      plain('ci', 'CI=1'),
      plain('dumb', 'TERM=dumb'),
      plain('quiet', '', '--quiet'),
    ]);
  });

  it('Ctrl-Z gives the terminal back for as long as it is stopped, Ctrl-\\ for good', async () => {
    const seen = terminal('record -o z.json -- perl target.pl z');
    await seen.shows(/saturation/);
    process.kill(seen.pid(), 'SIGTSTP');
    await eventually('the view is gone', () => seen.restored());
    expect(seen.screen().filter((line) => BLOCK.test(line))).toEqual([]);
    expect(readFileSync(`/proc/${seen.pid()}/stat`, 'utf8')).toMatch(/\) T /);
    process.kill(seen.pid(), 'SIGCONT');
    await seen.shows(/saturation/);
    process.kill(seen.pid(), 'SIGQUIT');
    await seen.shows(/status 131/);
    tell('z', 'stop');
    expect(seen.restored()).toBe(true);
    expect(seen.screen().filter((line) => BLOCK.test(line))).toEqual([]);
  });

  it('every summary fits 80 columns', async () => {
    const cli = `${process.execPath} ${CLI}`;
    const long = `${'long-name-of-a-directory/'.repeat(3)}`;
    mkdirSync(file(long), { recursive: true });
    writeFileSync(
      file('sysieve.config.json'),
      JSON.stringify({ apps: { app: { command: ['true'], profile: `${long}p.json` } } }),
    );
    const script = [
      `record -q -o ${long}r.json -- ls`,
      `minimise ${long}r.json -o ${long}p.json --explain`,
      `verify ${long}p.json --recording ${long}r.json`,
      `check --recording ${long}r.json`,
      'record -q --detach --session-name fits --pid $$ >/dev/null',
      `stop fits -o ${long}s.json`,
    ].map((args) => `${cli} ${args}`);
    writeFileSync(file('summaries.sh'), `${script.join('\n')}\n`);
    const seen = startTerminal(space.dir, 'sh summaries.sh');
    open.push(seen);
    await seen.shows(/status \d/, 45_000);
    const lines = seen.lines();
    expect(lines.join('\n')).toMatch(
      /complete: a start[\s\S]*minimal: yes[\s\S]*app: [\s\S]*NOT complete/,
    );
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('profile shows two apps side by side', async () => {
    const dir = file('repository');
    mkdirSync(dir);
    const app = (name: string) => ({
      command: ['perl', file('target.pl'), join(dir, name)],
      workload: [{ command: ['sleep', '2'] }],
      stable: { maxRuns: 1 },
    });
    const config = join(dir, 'sysieve.config.json');
    writeFileSync(config, JSON.stringify({ apps: { web: app('web'), queue: app('queue') } }));
    const seen = terminal(`profile --config ${config}`);
    await seen.shows(
      /web +recording run 1: workload +\d+\/s +\d+ calls\n +getppid by[\s\S]*queue +recording run 1: workload +\d+\/s +\d+ calls\n +getppid by/,
    );
    expectGolden('tmux-profile-80', seen.screen().slice(-7));
    await seen.shows(/status 0/, 30_000);
    // A second signal would end it without another word: the first one ends the view.
    const other = terminal(`profile web --config ${config}`);
    await other.shows(/getppid by/);
    process.kill(other.pid(), 'SIGINT');
    await eventually('the view is gone', () => other.restored());
    await other.shows(/status 130/);
    expect(seen.restored()).toBe(true);
    for (const line of seen.lines()) {
      expect(line).not.toMatch(/^── |^ (web|queue) /);
      expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(seen.lines().join('\n')).toMatch(/^web +new +1 run/m);
  });
});
