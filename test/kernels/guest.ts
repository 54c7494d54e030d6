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
  return spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: 60_000 });
}

interface Finding {
  name: string;
  ok: boolean;
  detail: string;
}

/** Nothing: the recording is what the programs say, complete, and claims no more than it may. */
async function wrong(tracer: TracerRow, names: readonly string[]): Promise<string[]> {
  const fixture = { name: 'batch', args: names.map(path) };
  const { expectation, seen, run } = await recordFixture(fixture, tracer.how);
  const uncertain = run.completeness.blindSpots.includes('denied-uncertain');
  return [
    ...differences(expectation, told(tracer, uncertain, seen)),
    ...(run.completeness.complete ? [] : [`not complete: ${run.completeness.callsLost} lost`]),
    ...(uncertain ? ['denied calls withheld'] : []),
  ];
}

function told(tracer: TracerRow, uncertain: boolean, seen: Traced['seen']): Traced['seen'] {
  if (tracer.tellsDenied && !uncertain) return seen;
  return seen.map(({ denied: _, ...call }) => call);
}

const offered = (tracer: TracerRow, help: string): boolean =>
  !tracer.how.includes('--tracer') || help.includes(`"${tracer.name}"`);

async function cell(tracer: TracerRow, problems: string[]): Promise<string> {
  const names = CORE.filter((name) => !tracer.not.includes(name));
  let found: string[];
  try {
    found = await wrong(tracer, names);
  } catch (error) {
    return `no: ${refusal(tracer, error, problems)}`;
  }
  if (found.length === 0) return `${names.length} of ${names.length}`;
  problems.push(...found.map((text) => `${tracer.name}: ${text}`));
  return 'differs';
}

/** The recorder's own words for it; doctor has to have the same. */
function refusal(tracer: TracerRow, error: unknown, problems: string[]): string {
  const text = String(error);
  const message = /(?:^|: )sysieve: (.*)$/m.exec(text)?.[1];
  if (message === undefined) {
    problems.push(`${tracer.name}: ${text}`);
    return 'failed';
  }
  const findings: Finding[] = JSON.parse(command('doctor', '--json').stdout).findings;
  const finding = findings.find(({ name }) => name === tracer.finding);
  if (finding === undefined || finding.ok || !finding.detail.includes(message)) {
    problems.push(`${tracer.name}: record says '${message}', doctor '${finding?.detail}'`);
  }
  return message;
}

async function main(): Promise<void> {
  const found: Found = { release: release(), cells: {}, problems: [] };
  const help = command('record', '--help').stdout;
  for (const tracer of TRACERS) {
    const began = Date.now();
    found.cells[tracer.name] = offered(tracer, help)
      ? await cell(tracer, found.problems)
      : 'not offered';
    process.stderr.write(`${tracer.name}: ${Math.round((Date.now() - began) / 1000)} s\n`);
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

void main();
