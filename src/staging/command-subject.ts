/** An application that is a command of the host: no image, no container. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Capture } from '../capture/capture';
import { type Launched, shellStatus } from '../capture/launch';
import { type Recorded, recordCommand } from '../capture/record';
import { DEFAULTS, milliseconds } from '../config';
import { SysieveError } from '../errors';
import { compile } from '../libseccomp';
import { runHere } from './host';
import { lineSplitter, Output } from './output';
import { isDead, ownSession, processesWith, SESSION_VARIABLE, signalAll } from './session';
import type { Rehearsal, Rehearsed, Subject } from './subject';

const POLL_MS = 50;
/** Tells the processes of one run from those of another of this sysieve. */
const RUN_VARIABLE = 'SYSIEVE_RUN';

function launchOptions({ app: { directory }, under }: Rehearsal, run: string) {
  const env = {
    ...process.env,
    [SESSION_VARIABLE]: ownSession(),
    [RUN_VARIABLE]: run,
  };
  const plain = { env, cwd: directory, piped: true };
  if (under.kind !== 'profile') return plain;
  const { program, flags } = compile(under.profile);
  return { ...plain, filter: program, filterFlags: flags };
}

class CommandSubject implements Subject {
  readonly output = new Output();
  readonly env: Readonly<Record<string, string>>;

  constructor(
    private readonly rehearsal: Rehearsal,
    private readonly run: string,
    private readonly launched: Launched,
    readonly ended: Promise<number>,
  ) {
    const { app } = rehearsal;
    this.env = { SYSIEVE_APP: app.name, SYSIEVE_PID: String(launched.pid) };
    for (const stream of launched.output) {
      stream.setEncoding('utf8').on(
        'data',
        lineSplitter((line) => this.output.add(line)),
      );
    }
  }

  exec: Subject['exec'] = (command, { env, signal }) =>
    runHere(command, {
      cwd: this.rehearsal.app.directory,
      env: { ...this.env, ...env },
      signal,
    });

  async stop(): Promise<boolean> {
    const { stop } = this.rehearsal.app.app;
    const signal = (stop?.signal ?? 'SIGTERM') as NodeJS.Signals;
    // Of a daemon the command itself is gone; what it left is told as well.
    if (!this.launched.kill(signal)) signalAll(this.processes(), signal);
    const limit = milliseconds(stop?.timeout ?? DEFAULTS.stopTimeout);
    const end = Date.now() + limit;
    while (this.processes().length > 0) {
      if (Date.now() >= end) {
        await this.kill();
        return true;
      }
      await sleep(POLL_MS);
    }
    return false;
  }

  /** Until nothing is left: one that forks meanwhile has a child that was not in the list. */
  async kill(): Promise<void> {
    this.launched.kill('SIGKILL');
    for (let pids = this.processes(); pids.length > 0; pids = this.processes()) {
      signalAll(pids, 'SIGKILL');
      await sleep(POLL_MS);
    }
  }

  private processes(): number[] {
    return processesWith(RUN_VARIABLE, (value) => value === this.run);
  }
}

/** Ends what a sysieve that was killed left running. */
function endLeftovers(): void {
  signalAll(processesWith(SESSION_VARIABLE, isDead), 'SIGKILL');
}

interface Started {
  readonly launched: Launched;
  readonly capture: Capture;
  readonly recording: Promise<Recorded>;
}

/** Resolves once the command runs and is traced. */
function start(rehearsal: Rehearsal, run: string, end: AbortSignal): Promise<Started> {
  const { app } = rehearsal;
  return new Promise((resolve, reject) => {
    let armed: Capture | undefined;
    const recording: Promise<Recorded> = recordCommand(
      app.app.command ?? [],
      {
        tracer: 'ebpf',
        // It may have filters of its own, and a listener that answers in the kernel's place.
        denied: true,
        programs: 'auto',
        launch: launchOptions(rehearsal, run),
        onLaunched: (launched) => {
          const capture = armed as Capture;
          // A turn later, since it is let go in this one.
          queueMicrotask(() => resolve({ launched, capture, recording }));
        },
      },
      {
        signal: end,
        onReady: () => undefined,
        onArmed: (capture) => {
          armed = capture;
          rehearsal.onArmed(capture);
        },
        onProgress: rehearsal.onProgress,
        onNote: () => undefined,
      },
    );
    recording.catch(reject);
  });
}

export async function rehearseCommand(rehearsal: Rehearsal): Promise<Rehearsed> {
  endLeftovers();
  const run = randomBytes(8).toString('hex');
  const end = new AbortController();
  const { launched, capture, recording } = await start(rehearsal, run, end.signal);
  const ended = recording.then(({ exit }) => (exit === null ? 0 : shellStatus(exit)));
  // Whoever waits for it sees the rejection; it must not end the process where nobody does.
  ended.catch(() => undefined);
  const subject = new CommandSubject(rehearsal, run, launched, ended);
  let failure: Rehearsed['failure'] = null;
  try {
    await rehearsal.body(subject, capture);
  } catch (thrown) {
    failure = { thrown };
    await subject.kill();
  }
  try {
    return { run: (await recording).run, failure };
  } catch (thrown) {
    // Why it could not be started says more than that it was not there.
    throw thrown instanceof SysieveError ? thrown : (failure?.thrown ?? thrown);
  }
}
