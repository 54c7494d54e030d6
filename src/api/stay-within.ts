/**
 * What a command does that a profile does not permit: run for real with the profile's filter installed, in
 * complain mode. The kernel tells of each call that it would refuse, and lets it run.
 */
import { readFileSync } from 'node:fs';
import { SysieveError } from '../errors';
import { escapeUnsafe } from '../errors/text';
import { compile, complaining } from '../libseccomp';
import { type Evidence, parseProfile } from '../profile';
import { machineOf } from '../staging/compiled';
import { describeSet, ENOSYS, trackedArguments } from '../tables';
import { recordedAndRefused } from '../verify';
import { recordCommandOf } from './command';
import type { Profile } from './profile';
import type { RecordedCall, Run } from './recording';

/**
 * How the command is run.
 *
 * @public
 */
export interface StayWithinOptions {
  /** Default: this process's. */
  cwd?: string;
  /** The whole environment. Default: this process's. */
  env?: Readonly<Record<string, string | undefined>>;
  /**
   * What puts the command to work, for one that does not end by itself: called once it runs; when it
   * resolves, the command is sent SIGTERM, and SIGKILL two seconds later.
   */
  workload?: () => Promise<void> | void;
  /**
   * After so many milliseconds the command is ended and the matcher throws: what it would have done later
   * is not known. Default: 4000, within jest's own limit for a test.
   */
  timeoutMs?: number;
  /** Accept a command that fails. Default: one that exits with another status than 0 makes it throw. */
  allowFailure?: boolean;
}

/** What was seen, in words for the matcher's message. Everything in it is escaped. */
export interface StayedWithin {
  command: string;
  profile: string;
  /** A line for each call outside; empty: it stayed within. */
  outside: string[];
}

const TIMEOUT_MS = 4000;
const GRACE_MS = 2000;
/** Of what the command printed, where it failed. */
const TAIL = 2000;

export async function stayWithin(
  command: readonly string[],
  given: string | Profile,
  options: StayWithinOptions = {},
): Promise<StayedWithin> {
  const profile = typeof given === 'string' ? parseProfile(readProfile(given), given) : given;
  const run = await complaints(command, profile, options);
  const { completeness: c } = run;
  const lost = c.callsLost + c.tasksLost;
  if (lost > 0) {
    throw new SysieveError('incomplete', 'calls-lost', 'calls were lost', {
      cause: `${c.callsLost} calls, ${c.tasksLost} tasks`,
      remedy: 'Run a smaller part of the program at a time.',
    });
  }
  return {
    command: escapeUnsafe(command.join(' ')),
    profile: typeof given === 'string' ? escapeUnsafe(given) : 'the profile given',
    outside: outsideOf(run, profile).map((call) => callText(call, run.executables)),
  };
}

function readProfile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const { code = 'unknown' } = thrown as NodeJS.ErrnoException;
    throw new SysieveError('input', 'profile-unreadable', `cannot read ${escapeUnsafe(path)}`, {
      cause: code,
      remedy: `A relative path is looked up in ${escapeUnsafe(process.cwd())}.`,
    });
  }
}

/** What its profile answers ENOSYS by a rule is what libc is to fall back from, and no call outside. */
function outsideOf(run: Run, profile: Profile): RecordedCall[] {
  const fallbacks = new Set(
    profile.syscalls
      .filter(({ action, errnoRet }) => action === 'SCMP_ACT_ERRNO' && errnoRet === ENOSYS)
      .flatMap(({ names }) => names),
  );
  const isFallback = ({ name }: RecordedCall) => name !== null && fallbacks.has(name);
  if (!run.calls.some(isFallback)) return run.calls;
  const evidence: Evidence['calls'] = [...fallbacks].map((name) => ({
    abi: 'x86_64',
    name,
    action: 'SCMP_ACT_ERRNO',
    errnoRet: ENOSYS,
    why: ['fallback'],
    executables: [],
    phases: [],
  }));
  const { refused } = recordedAndRefused({
    profile,
    evidence: { calls: evidence, excluded: [] },
    runs: [run],
    machine: machineOf(profile),
    compiled: null,
  });
  return run.calls.filter(
    (call) =>
      !isFallback(call) ||
      refused.some(
        ({ requirement: { abi, number } }) => abi === call.abi && number === call.number,
      ),
  );
}

async function complaints(
  command: readonly string[],
  profile: Profile,
  { cwd, env, workload, timeoutMs = TIMEOUT_MS, allowFailure = false }: StayWithinOptions,
): Promise<Run> {
  const { program, flags } = compile(profile);
  const filter = { program: complaining(program), flags, partial: true };
  let printed = '';
  let kill: (signal: NodeJS.Signals) => boolean = () => false;
  const end = new AbortController();
  let late = false;
  let ended = false;
  const timers: NodeJS.Timeout[] = [];
  const terminate = (): void => {
    ended = true;
    kill('SIGTERM');
    timers.push(
      setTimeout(() => kill('SIGKILL'), GRACE_MS),
      // Descendants that live on are none of the command's end.
      setTimeout(() => end.abort(), 2 * GRACE_MS),
    );
  };
  let failure: { thrown: unknown } | null = null;
  const work = async (): Promise<void> => {
    try {
      await workload?.();
    } catch (thrown) {
      failure = { thrown };
    }
    terminate();
  };
  const recorded = recordCommandOf(
    {
      command,
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      output: (chunk) => {
        printed = `${printed}${Buffer.from(chunk).toString('utf8')}`.slice(-TAIL);
      },
    },
    { tracer: 'notify', denied: false, programs: 'auto' },
    {
      signal: end.signal,
      onReady: () => {
        timers.push(
          setTimeout(() => {
            late = true;
            terminate();
          }, timeoutMs),
        );
        // It runs a moment later.
        if (workload !== undefined) setImmediate(() => void work());
      },
      onProgress: () => undefined,
      onNote: () => undefined,
    },
    (launched) => {
      kill = (signal) => launched.kill(signal);
    },
    filter,
  );
  const { run, exit } = await recorded.finally(() => {
    for (const timer of timers) clearTimeout(timer);
  });
  if (failure !== null) throw (failure as { thrown: unknown }).thrown;
  if (late) {
    throw new SysieveError(
      'incomplete',
      'command-unended',
      `the command did not end within ${timeoutMs} ms`,
      {
        remedy:
          'Give more in timeoutMs (and to the test), or a workload after which the command is ended.',
      },
    );
  }
  const failed = exit === null || exit.signal !== null || exit.code !== 0;
  if (failed && !ended && !allowFailure) {
    const how = exit?.signal ?? `status ${exit?.code ?? 'unknown'}`;
    throw new SysieveError('check', 'command-failed', `the command failed: ${how}`, {
      cause: escapeUnsafe(printed.trim().split('\n').slice(-5).join(' | ')),
      remedy: 'What it would have done is not known; with allowFailure, what it did is judged.',
    });
  }
  return run;
}

const SHOWN = 3;

/** "socket (domain AF_INET), 3 times, by /usr/bin/node" */
function callText(call: RecordedCall, executables: readonly string[]): string {
  const { abi, name, number, count, args } = call;
  const shown = name ?? `#${number}`;
  const values = name === null || args === null ? [] : args.tuples.map((t) => tupleText(call, t));
  const known = [...new Set(values.filter((value) => value !== ''))];
  const who = call.executables.map((index) => escapeUnsafe(executables[index] ?? '')).sort();
  return [
    abi === 'x86_64' ? shown : `${abi} ${shown}`,
    known.length === 0 ? '' : ` (${listed(known, '; ')})`,
    `, ${count === 1 ? 'once' : `${count} times`}`,
    who.length === 0 ? '' : `, by ${listed(who, ', ')}`,
  ].join('');
}

const UPPER_HALF = 0xffff_ffff_0000_0000n;

function tupleText({ abi, name }: RecordedCall, { values }: { values: readonly string[] }): string {
  const tracked = name === null ? [] : (trackedArguments(abi, name) ?? []);
  const narrow = abi === 'i386' || abi === 'arm';
  return tracked
    .map(({ index, mask }, at) => {
      // Of a parameter of 32 bits, that the upper half of its register means nothing goes without saying.
      const whole = !narrow && mask < 2n ** 32n ? mask | UPPER_HALF : mask;
      const cube = { mask: whole, value: BigInt(values[at] ?? 0) };
      return describeSet(name ?? '', index, { kind: 'bits', cubes: [cube] });
    })
    .join(' and ');
}

function listed(texts: readonly string[], separator: string): string {
  const more = texts.length - SHOWN;
  return `${texts.slice(0, SHOWN).join(separator)}${more > 0 ? ` and ${more} more` : ''}`;
}
