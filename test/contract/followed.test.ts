/**
 * Containers that are followed only when their runtime is at work in them: whether that was in time is
 * told, however short they live.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { Capture } from '../../src/capture/capture';
import { hierarchies } from '../support/hierarchies';
import { eventually, privileged } from '../support/recorder';

const MARK = 1000; // no such call: whoever makes it is recognised
const ENTRYPOINT = `exec perl -e 'syscall(${MARK})'`;

const cases = hierarchies().flatMap((mount) =>
  (['typed', 'raw'] as const).map((programs) => [mount, programs] as const),
);

privileged.each(cases)('a container below %s, by %s programs', (mount, programs) => {
  const id = createHash('sha256').update(`${process.pid} ${programs}`).digest('hex');
  const group = join(mount, `cri-containerd-${id}.scope`);
  let capture: Capture;
  let runtime: ChildProcess | null = null;

  const arm = (): void => {
    capture = new Capture({
      execRule: 'namespace',
      programs,
      cgroupNames: ['another'],
      watchUnfollowed: true,
    });
  };
  /** A shell in the cgroup, in a runtime's place; it goes on at a line of input. */
  const enter = async (script: string): Promise<void> => {
    const child = spawn('sh', ['-c', `echo $$ >${group}/cgroup.procs; echo in; ${script}`]);
    runtime = child;
    await new Promise((resolve) => child.stdout.once('data', resolve));
  };
  const goOn = (): Promise<unknown> => {
    const ended = new Promise((resolve) => runtime?.once('exit', resolve));
    runtime?.stdin?.end('go\n');
    return ended;
  };
  const follow = () =>
    capture.follow({ cgroupNames: [], cgroups: [group], foundUnstarted: true }).followed;
  const finish = () =>
    capture.finish({
      attachedLate: null,
      runtime: null,
      target: { kind: 'container', engine: null, name: null, id: null, image: null },
    });

  beforeEach(() => mkdirSync(group));
  afterEach(async () => {
    capture.abandon();
    runtime?.kill('SIGKILL');
    await eventually('the cgroup can be removed', () => {
      try {
        rmdirSync(group);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT';
      }
      return true;
    });
  });

  it.each([
    ['before its entrypoint', `read go; ${ENTRYPOINT}`],
    ['after its own copy', `exec /proc/self/exe -c "read go; ${ENTRYPOINT}"`],
    ['in a child of what was put there', `(read go; ${ENTRYPOINT}); exit`],
  ])('in time: %s', async (_what, script) => {
    arm();
    await enter(script);
    expect(follow()).toBe('in-time');
    await goOn();
    const run = finish();
    expect(run.calls.find((call) => call.number === MARK)?.count).toBe(1);
    expect(run.completeness.startsSeen).toBe(1);
  });

  it('late: the entrypoint is at work', async () => {
    arm();
    await enter('exec sleep 60');
    const comm = () => readFileSync(`/proc/${runtime?.pid}/comm`, 'latin1').trim();
    await eventually('it executes', () => comm() === 'sleep');
    expect(follow()).toBe('late');
  });

  it.each([
    ['the entrypoint', `read go; ${ENTRYPOINT}`],
    ['a child', `read go; (${ENTRYPOINT}); exit`],
  ])('late: %s is over already', async (_what, script) => {
    arm();
    await enter(script);
    await goOn();
    expect(follow()).toBe('late');
  });

  it('late, and what it executes after that is no proof of its start', async () => {
    arm();
    await enter(`exec sh -c "read go; (${ENTRYPOINT}); exit"`);
    const words = () => readFileSync(`/proc/${runtime?.pid}/cmdline`, 'latin1').split('\0');
    await eventually('it executes', () => words()[2]?.startsWith('read go') ?? false);
    expect(follow()).toBe('late');
    await goOn();
    // Counted as a start: of the engine's word alone, the shell was the runtime.
    expect(finish().completeness.startsSeen).toBe(1);
  });

  it('unknown: what is in it came before the tracer', async () => {
    await enter(`read go; ${ENTRYPOINT}`);
    arm();
    expect(follow()).toBe('unknown');
  });

  it('unknown again for the next of the same name', async () => {
    arm();
    await enter(`read go; ${ENTRYPOINT}`);
    await goOn();
    await eventually('the cgroup is empty', () => {
      return readFileSync(join(group, 'cgroup.procs'), 'latin1') === '';
    });
    rmdirSync(group);
    mkdirSync(group);
    expect(follow()).toBe('unknown');
  });
});
