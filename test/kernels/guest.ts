/** Runs inside one kernel (bundled by main.ts): records the core with every tracer, prints Found. */
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { join } from 'node:path';
import { differences, recordFixture, type Traced } from '../support/fixtures';
import { CORE, type Found, TRACERS, type TracerRow } from './matrix';

// Two levels down, in the bundle as well.
const ROOT = join(__dirname, '..', '..');
const CLI = join(ROOT, 'dist', 'cli', 'main.js');
const path = (name: string): string => join(ROOT, 'build', 'fixtures', name);

function command(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: 180_000 });
}

interface Finding {
  name: string;
  ok: boolean;
  detail: string;
}

/**
 * No faults: the recording is what the programs say, and claims no more than it may. It must be
 * complete, but where the kernel interrupts the tracer's programs it may say that it is not.
 */
async function recorded(
  tracer: TracerRow,
  names: readonly string[],
): Promise<{ faults: string[]; partial: boolean }> {
  const fixture = { name: 'batch', args: names.map(path) };
  const { expectation, seen, run } = await recordFixture(fixture, tracer.how);
  const { complete, callsLost, blindSpots } = run.completeness;
  // Declared: where the kernel interrupts the programs, what was denied may be in doubt.
  const withheld = blindSpots.includes('denied-uncertain') && blindSpots.includes(PREEMPTED);
  const told = tracer.tellsDenied && !withheld ? seen : untold(seen);
  const expected = withheld ? withoutDenials(expectation) : expectation;
  if (withheld) process.stderr.write(`${tracer.name}: denied calls withheld\n`);
  const partial = !complete && blindSpots.includes(PREEMPTED);
  const faults = differences(expected, told);
  if (!complete && !partial) faults.push(`not complete: ${callsLost} calls lost`);
  return { faults, partial };
}

const PREEMPTED = 'tracer-preempted';

function untold(seen: Traced['seen']): Traced['seen'] {
  return seen.map(({ denied: _, ...call }) => call);
}

/** What is left to be seen of it when no denied call is told. */
function withoutDenials(expectation: Traced['expectation']): Traced['expectation'] {
  const calls = expectation.calls.map(({ executables, ...call }) => ({
    ...call,
    count: call.count - call.denied,
    // By which of them it was denied is not known.
    ...(call.denied === 0 && executables !== undefined && { executables }),
  }));
  return { ...expectation, calls: calls.filter(({ count }) => count > 0) };
}

/** By trying: refused as a choice where it is none, for want of a command where it is one. */
function offered(tracer: TracerRow): boolean {
  const at = tracer.how.indexOf('--tracer');
  if (at < 0) return true;
  const { stderr } = command('record', ...tracer.how.slice(at, at + 2));
  return !/unknown option|allowed choices/.test(stderr);
}

async function cell(tracer: TracerRow, problems: string[]): Promise<string> {
  const names = CORE.filter((name) => !tracer.not.includes(name));
  let found: Awaited<ReturnType<typeof recorded>>;
  try {
    found = await recorded(tracer, names);
  } catch (error) {
    return `no: ${refusal(tracer, error, problems)}`;
  }
  const note = /may interrupt/.test(findingOf(tracer)?.detail ?? '') ? ' †' : '';
  const partial = found.partial ? ' ‡' : '';
  if (found.faults.length === 0) return `${names.length} of ${names.length}${note}${partial}`;
  problems.push(...found.faults.map((text) => `${tracer.name}: ${text}`));
  return 'differs';
}

function findingOf(tracer: TracerRow): Finding | undefined {
  const findings: Finding[] = JSON.parse(command('doctor', '--json').stdout).findings;
  return findings.find(({ name }) => name === tracer.finding);
}

/** The recorder's own words for it; doctor has to have the same. */
function refusal(tracer: TracerRow, error: unknown, problems: string[]): string {
  const text = String(error);
  const message = /(?:^|: )sysieve: (.*)$/m.exec(text)?.[1];
  if (message === undefined) {
    problems.push(`${tracer.name}: ${text}`);
    return 'failed';
  }
  const finding = findingOf(tracer);
  if (finding === undefined || finding.ok || !finding.detail.includes(message)) {
    problems.push(`${tracer.name}: record says '${message}', doctor '${finding?.detail}'`);
  }
  return message;
}

async function main(): Promise<void> {
  const found: Found = { release: release(), cells: {}, problems: [] };
  for (const tracer of TRACERS) {
    const began = Date.now();
    found.cells[tracer.name] = offered(tracer) ? await cell(tracer, found.problems) : 'not offered';
    process.stderr.write(`${tracer.name}: ${Math.round((Date.now() - began) / 1000)} s\n`);
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

void main();
