/** `record --tracer ptrace --entry-only`: a command that cannot outlive its recording, and says so. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordingSchema } from '../../src/recording/schema';
import { eventually, privileged, scratch, startRecorder, sysieve } from '../support/recorder';

const HOW = ['--tracer', 'ptrace', '--entry-only'];
/** Writes its process id, then makes a call every few milliseconds. */
const LOOP =
  'open(F, ">", shift); print F "$$\\n"; close F; while (1) { getppid(); select(undef, undef, undef, 0.005) }';

privileged('a command with one stop a call', () => {
  const space = scratch();
  afterAll(space.remove);
  const file = (name: string): string => join(space.dir, name);
  const pidIn = (path: string): number =>
    existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0;
  const runs = (pid: number): boolean => existsSync(`/proc/${pid}/task`) && !isZombie(pid);
  const isZombie = (pid: number): boolean =>
    /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

  async function started(name: string, ...more: string[]) {
    const recorder = await startRecorder([
      ...[...HOW, '-o', file(`${name}.json`), ...more],
      ...['--', 'perl', '-e', LOOP, file(name)],
    ]);
    await eventually('the command to run', () => pidIn(file(name)) > 0);
    return { recorder, pid: pidIn(file(name)) };
  }

  it('is killed when its recorder is, with no half-written recording', async () => {
    const { recorder, pid } = await started('killed');
    expect(recorder.stderr()).toContain('the command is killed when its recording or sysieve ends');
    recorder.child.kill('SIGKILL');
    await eventually('the command to be gone', () => !runs(pid));
    expect(existsSync(file('killed.json'))).toBe(false);
  });

  it('is killed by the end of --duration, and what it did until then is written', async () => {
    const { recorder, pid } = await started('duration', '--duration', '1s');
    await new Promise((resolve) => recorder.child.once('exit', resolve));
    await eventually('the command to be gone', () => !runs(pid));
    expect(recorder.stderr()).toContain('the command was killed with the end of its recording');
    const [run] = RecordingSchema.parse(
      JSON.parse(readFileSync(file('duration.json'), 'utf8')),
    ).runs;
    expect(run?.completeness).toMatchObject({ complete: true, callsLost: 0, tasksLost: 0 });
    expect(run?.calls.find(({ name }) => name === 'getppid')?.count).toBeGreaterThan(0);
  });

  it('ends by itself with its own status', () => {
    const done = sysieve(['record', ...HOW, '-o', file('own.json'), '--', 'sh', '-c', 'exit 7']);
    expect(done.status).toBe(7);
  });

  it.each([
    ['another tracer', ['--tracer', 'ebpf', '--entry-only', '--', 'true']],
    ['the first that works', ['--entry-only', '--', 'true']],
    ['a process', [...HOW, '--pid', String(process.pid)]],
  ])('is refused for %s', (_what, args) => {
    const refused = sysieve(['record', '-o', file('refused.json'), ...args]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('--entry-only is for commands under ptrace');
  });
});
