/** Tasks whose ids fall on one place of the tracer's table: all exact, and none a neighbour's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../../src/capture/capture';
import { privileged } from '../support/recorder';

/** SYSIEVE_TASKS in native/bpf/shared.h: ids this far apart share a place. */
const PLACES = 32_768;
const PID_MAX = '/proc/sys/kernel/pid_max';
const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const CALLS = 1000;

/** Waits for a line, makes `CALLS` calls of a number that nobody else makes, by itself and in a child. */
const script = (number: number): string =>
  `$| = 1; print "up\\n"; <STDIN>; syscall(${number}) for 1..${CALLS};
   my $child = fork; if (!$child) { syscall(${number}) for 1..${CALLS}; exit 0 } waitpid($child, 0);
   print "done\\n"; <STDIN>;`;

/** Null where the kernel does not give the id out: a process that lives, or its group or session, has it. */
async function startAt(pid: number, number: number): Promise<ChildProcess | null> {
  for (let attempt = 0; attempt < 10; attempt++) {
    writeFileSync(LAST_PID, String(pid - 1));
    const child = spawn('perl', ['-e', script(number)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    if (child.pid === pid) return child;
    child.kill('SIGKILL');
    await sleep(20);
  }
  return null;
}

/** Five on one place, each calling a number of its own. Other programs run beside the tests, so not every id is free. */
async function startOnOnePlace(): Promise<{ base: number; children: ChildProcess[] }> {
  for (let base = 20_011; base < 22_000; base += 97) {
    const children: ChildProcess[] = [];
    for (let index = 0; index < 5; index++) {
      const child = await startAt(base + index * PLACES, 1000 + index);
      if (child === null) break;
      children.push(child);
    }
    if (children.length === 5) return { base, children };
    for (const child of children) child.kill('SIGKILL');
  }
  throw new Error('the kernel has no five free ids on one place');
}

async function work(child: ChildProcess): Promise<void> {
  const done = new Promise((resolve) => child.stdout?.once('data', resolve));
  child.stdin?.write('\n');
  await done;
}

privileged('ids on one place of the table', () => {
  const before = readFileSync(PID_MAX, 'utf8');
  let children: ChildProcess[] = [];
  beforeAll(() => writeFileSync(PID_MAX, String(8 * PLACES)));
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    // Back into the range that was there, or new processes would come from above it.
    writeFileSync(LAST_PID, '300');
    writeFileSync(PID_MAX, before);
  });

  it('are counted apart, among neighbours on the same place', async () => {
    const started = await startOnOnePlace();
    const { base } = started;
    children = started.children;
    const targets = [base, base + PLACES, base + 3 * PLACES];
    const neighbours = [base + 2 * PLACES, base + 4 * PLACES];
    const numberOf = (pid: number): number =>
      1000 + children.findIndex((child) => child.pid === pid);
    const capture = new Capture({ execRule: 'any', pids: targets });
    for (const child of children) await work(child);
    const seen = capture.finish({
      attachedLate: null,
      runtime: null,
      target: { kind: 'pid', engine: null, name: null, id: null, image: null },
    });
    const count = (pid: number): number =>
      seen.calls.find((call) => call.number === numberOf(pid))?.count ?? 0;
    for (const pid of targets) expect([pid, count(pid)]).toEqual([pid, 2 * CALLS]);
    for (const pid of neighbours) expect([pid, count(pid)]).toEqual([pid, 0]);
    expect(seen.completeness).toMatchObject({ callsLost: 0, tasksLost: 0 });
  });
});
