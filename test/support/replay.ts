/**
 * Stored recordings of fixtures (fixtures/recordings/): for each the recording, what the fixture
 * printed, and the profile that is made of it. Replayed, they need neither privilege nor kernel.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_OPTIONS, minimise } from '../../src/minimise';
import { serializeProfile } from '../../src/profile';
import { type Recording, serializeRecording } from '../../src/recording';
import { type Expectation, PROGRAMS, type Recorded } from './fixtures';
import { ROOT } from './recorder';

/** Between them: every kind of denial, execs, threads, namespaces, x32, numbers without a name. */
export const REPLAYED: readonly string[] = [
  'clone3',
  'denied-errno',
  'denied-kill-process',
  'denied-notify',
  'denied-trap',
  'exec-chain',
  'exec-script',
  'io-uring',
  'many-calls',
  'threads',
  'unknown-number',
  'unshare-mount',
  'x32',
];

/** Those that poll or join: whether they make some of their calls at all is chance. */
const BY_CHANCE: readonly string[] = ['denied-kill-process', 'denied-notify', 'threads'];

/** Whether the profile of a fixture is the same after every run. */
export const hasOneProfile = (name: string): boolean =>
  REPLAYED.includes(name) && !BY_CHANCE.includes(name);

const STORE = join(ROOT, 'fixtures', 'recordings');
/** Stands for the directory of the programs, which is another on every machine. */
const NEUTRAL = '/fixtures';

const file = (name: string, kind: string): string => join(STORE, `${name}.${kind}.json`);
export const stored = (name: string, kind: 'recording' | 'said' | 'profile'): string =>
  readFileSync(file(name, kind), 'utf8');

/** The profile of a recording without any runtime's calls: what the recording alone asks for. */
export function profileOf(...recordings: Recording[]): string {
  const options = { ...DEFAULT_OPTIONS, runtimes: 'none' as const };
  return serializeProfile(minimise({ recordings, baselines: [], options }).profile);
}

const neutral = (text: string): string => text.replaceAll(PROGRAMS, NEUTRAL);

/** Writes what is stored of a fixture anew. */
export function store(name: string, { run, expectation }: Recorded): void {
  const host = { ...run.host, kernel: '6.18.0' };
  const neutralRun = { ...run, host, start: '2026-01-01T00:00:00.000Z' };
  const recording: Recording = { version: 1, runs: [neutralRun] };
  writeFileSync(file(name, 'recording'), neutral(serializeRecording(recording)));
  writeFileSync(file(name, 'said'), neutral(said(expectation)));
  writeFileSync(file(name, 'profile'), profileOf(recording));
}

/** One call a line, as the fixture prints it. */
function said({ calls, ...rest }: Expectation): string {
  const lines = calls.map((call) => JSON.stringify(call)).join(',\n');
  const head = JSON.stringify(rest).slice(1, -1);
  return `{${head},"calls":[\n${lines}\n]}\n`;
}
