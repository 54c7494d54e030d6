/**
 * Truth against strace: of real programs under a real load, the set of (ABI, call) that sysieve
 * records is strace's. ebpf sees the same run as strace beside it, so there the counts are equal too;
 * of what is a ptracer or a listener itself, repeated runs are compared. Every difference is explained
 * by one of the rules below and listed in out/truth.md, or fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRecording, type Run } from '../../src/recording';
import { syscallName } from '../../src/tables';
import { eventually, privileged, ROOT, startRecorder } from '../support/recorder';
import { readStrace, STRACE, straceOf, type Witnessed } from '../support/strace';
import { allTasks, killTree, stateOf } from '../support/tasks';
import { choicesTested, type Tracer } from '../support/tracers';
import { REAL_PROGRAMS, type RealProgram, type Started } from '../support/truth';

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 8 : 3;
const REPORT = join(ROOT, 'out', 'truth.md');

const EXECVE = 59;

/** Number → count, of x86_64 calls: what is under test runs no other code. */
type Counts = Map<number, number>;

interface Difference {
  number: number;
  strace: number;
  sysieve: number;
  /** Name of the rule that explains it; null: nothing does. */
  rule: string | null;
}

/** Why two witnesses of the same run may differ in a count. */
const SAME_RUN: Readonly<Record<string, (difference: Difference, strace: Witnessed) => boolean>> = {
  // A ptracer is told before the kernel's tracepoint: a task that is killed while strace looks at its
  // entry never gets as far. In strace's log that call has no end.
  'killed at its entry': ({ number, strace, sysieve }, { unfinished }) =>
    strace > sysieve && strace - sysieve <= (unfinished.get(number) ?? 0),
};

/** Calls that depend on who comes first; their absence in every one of the runs is no gap. */
interface Chance {
  calls: readonly string[];
  /** null: any program. */
  of: string | null;
}
const BY_CHANCE: Readonly<Record<string, Chance>> = {
  'contention: who waits for a lock': { calls: ['futex', 'sched_yield', 'madvise'], of: null },
  'pace: whether a pipe is empty when it is read without waiting (xz)': {
    calls: ['poll'],
    of: null,
  },
  // Go's scheduler polls the network only where a thread finds no work or nobody did for 10 ms.
  'pace: whether a Go scheduler gets to poll': { calls: ['epoll_pwait'], of: 'runc (Go)' },
  'interruption: a signal or a stop fell into a wait': {
    calls: ['restart_syscall', 'rt_sigreturn', 'tgkill'],
    of: null,
  },
};

const lines: string[] = [];

privileged('real programs', () => {
  let space: string;
  beforeAll(() => {
    space = mkdtempSync(join(tmpdir(), 'sysieve-truth-'));
    // A path of its own, so that its calls can be told from those of any shell in the run.
    copyFileSync('/bin/dash', join(space, 'gate'));
  });
  afterAll(() => {
    rmSync(space, { recursive: true, force: true });
    mkdirSync(join(ROOT, 'out'), { recursive: true });
    writeFileSync(REPORT, report());
    process.stderr.write(`truth against strace: ${REPORT}\n`);
  });

  /** A directory for one run. */
  function place(): string {
    const dir = mkdtempSync(join(space, 'run-'));
    // A server may run as another user.
    for (const path of [space, dir]) chmodSync(path, 0o755);
    return dir;
  }

  /** Starts a program stopped at a gate, which makes two calls: the one it stops in, and execve. */
  async function atGate(started: Started): Promise<ChildProcess> {
    const script = 'kill -STOP $$; exec "$@"';
    const gate = spawn(join(space, 'gate'), ['-c', script, 'gate', ...started.command], {
      // As a recorder's command has it: programs look at what their output is.
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    gate.stdout.resume();
    gate.stderr.resume();
    await eventually('the gate is stopped', () => stateOf(gate.pid ?? 0) === 'T');
    return gate;
  }

  /** One run with strace beside it, and with sysieve too where `how` is given. */
  async function witness(program: RealProgram, how: readonly string[] | null) {
    const dir = place();
    mkdirSync(join(dir, 'files'));
    const started = await program.start(join(dir, 'files'));
    const gate = await atGate(started);
    const pid = gate.pid ?? 0;
    const ended = new Promise((resolve) => gate.once('exit', resolve));
    const output = join(dir, 'recording.json');
    try {
      const recorder =
        how === null ? null : await startRecorder([...how, '--pid', `${pid}`, '-o', output]);
      const strace = straceOf(pid, join(dir, 'log'));
      const logged = new Promise((resolve) => strace.once('exit', resolve));
      await eventually('strace is attached', () => allTasks(pid).some(({ tracer }) => tracer > 0));
      gate.kill('SIGCONT');
      await started.drive?.(pid);
      await ended;
      await logged;
      if (recorder !== null)
        expect([(await recorder.exited).status, recorder.stderr()]).toEqual([0, expect.anything()]);
    } finally {
      killTree(pid);
    }
    const run = how === null ? null : runOf(output);
    return { witnessed: readStrace(dir, 'log'), run };
  }

  /** One run that the recorder starts itself. */
  async function record(program: RealProgram, how: readonly string[]): Promise<Run> {
    const dir = place();
    const started = await program.start(dir);
    const output = join(dir, 'recording.json');
    const recorder = await startRecorder([...how, '-o', output, '--', ...started.command]);
    try {
      await started.drive?.(commandOf(recorder.child.pid ?? 0));
      const { status } = await recorder.exited;
      expect([[0, 143], recorder.stderr()]).toEqual([
        expect.arrayContaining([status]),
        expect.anything(),
      ]);
    } finally {
      killTree(recorder.child.pid ?? 0);
    }
    return runOf(output);
  }

  for (const program of REAL_PROGRAMS) {
    describe(program.name, () => {
      const seenByStrace: Counts[] = [];

      beforeAll(() => {
        const missing = program.needs.filter((path) => !existsSync(path));
        if (missing.length > 0) throw new Error(`scripts/setup test has not installed ${missing}`);
      });

      for (const tracer of choicesTested()) {
        const beside = tracer.choice === 'ebpf';
        it(`${tracer.name}: ${beside ? 'the same run, equal counts' : 'the same set of calls'}`, async () => {
          const found = beside ? await sameRun(tracer) : await repeated(tracer);
          expect(found.filter(({ rule }) => rule === null).map(words)).toEqual([]);
        });
      }

      async function sameRun(tracer: Tracer): Promise<Difference[]> {
        const { witnessed, run } = await witness(program, tracer.how);
        if (run === null) throw new Error('no recording');
        seenByStrace.push(witnessed.counts);
        expect(run.completeness).toMatchObject({ callsLost: 0, tasksLost: 0 });
        // No program here is under a filter.
        expect(run.calls.filter(({ denied }) => denied.count > 0)).toEqual([]);
        const found = compare(witnessed.counts, countsOf(run)).map((difference) => ({
          ...difference,
          rule: ruleOf(Object.keys(SAME_RUN), (name) => SAME_RUN[name]?.(difference, witnessed)),
        }));
        note(tracer, `one run, ${witnessed.counts.size} calls`, found);
        return found;
      }

      /** Until the unions are equal, or the runs are used up: then only chance may be left. */
      async function repeated(tracer: Tracer): Promise<Difference[]> {
        const recorded: Counts[] = [];
        let found: Difference[] = [];
        for (let round = 0; round < RUNS; round++) {
          recorded.push(countsOf(await record(program, tracer.how)));
          while (seenByStrace.length <= round) {
            seenByStrace.push((await witness(program, null)).witnessed.counts);
          }
          const straced = union(seenByStrace.map(withoutGate));
          found = compare(straced, union(recorded), (n) => (n > 0 ? 1 : 0));
          if (found.length === 0) break;
        }
        found = found.map((difference) => ({
          ...difference,
          rule: ruleOf(Object.keys(BY_CHANCE), (rule) => {
            const { calls, of } = BY_CHANCE[rule] ?? { calls: [], of: null };
            const name = syscallName('x86_64', difference.number) ?? '';
            return calls.includes(name) && (of === null || of === program.name);
          }),
        }));
        note(tracer, `${recorded.length} runs, ${union(recorded).size} calls`, found);
        return found;
      }

      function note(tracer: Tracer, what: string, found: readonly Difference[]): void {
        const told = found.map((difference) => `${words(difference)}`).join('<br>');
        lines.push(`| ${program.name} | ${tracer.name} | ${what} | ${told || 'equal'} |`);
      }
    });
  }
});

/** The command that a recorder has started: its one child. */
function commandOf(recorder: number): number {
  const [child] = readFileSync(`/proc/${recorder}/task/${recorder}/children`, 'latin1').split(' ');
  return Number(child);
}

const runOf = (path: string): Run => {
  const [run] = parseRecording(readFileSync(path, 'utf8'), path).runs;
  if (run === undefined) throw new Error(`no run in ${path}`);
  return run;
};

function countsOf(run: Run): Counts {
  const counts: Counts = new Map();
  for (const { abi, number, count, phases } of run.calls) {
    if (abi !== 'x86_64') throw new Error(`${abi} ${number}: no program here runs such code`);
    if (phases.some((phase) => phase !== 'runtime')) counts.set(number, count);
  }
  return counts;
}

function union(runs: readonly Counts[]): Counts {
  const all: Counts = new Map();
  for (const run of runs) {
    for (const [number, count] of run) all.set(number, (all.get(number) ?? 0) + count);
  }
  return all;
}

/** Without the execve that starts the program, which a recording of a launched command leaves out. */
function withoutGate(counts: Counts): Counts {
  const rest = new Map(counts);
  const execs = (rest.get(EXECVE) ?? 0) - 1;
  if (execs > 0) rest.set(EXECVE, execs);
  else rest.delete(EXECVE);
  return rest;
}

function compare(strace: Counts, sysieve: Counts, as = (count: number) => count): Difference[] {
  return [...new Set([...strace.keys(), ...sysieve.keys()])]
    .sort((a, b) => a - b)
    .map((number) => ({
      number,
      strace: as(strace.get(number) ?? 0),
      sysieve: as(sysieve.get(number) ?? 0),
      rule: null,
    }))
    .filter((difference) => difference.strace !== difference.sysieve);
}

const ruleOf = (rules: string[], holds: (rule: string) => boolean | undefined): string | null =>
  rules.find(holds) ?? null;

function words({ number, strace, sysieve, rule }: Difference): string {
  const name = syscallName('x86_64', number) ?? `${number}`;
  return `${name}: strace ${strace}, sysieve ${sysieve}: ${rule ?? 'NOT EXPLAINED'}`;
}

function report(): string {
  return `# Truth against strace

\`strace ${STRACE.join(' ')}\`, x86_64. Of one run the counts are compared, of several the set of calls
over all of them.

| program | tracer | compared | differences |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
}
