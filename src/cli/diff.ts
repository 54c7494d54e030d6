/** `sysieve diff OLD NEW`: what may a process do that it could not, and what no longer. */
import { type Command, InvalidArgumentError } from 'commander';
import { type DiffOptions, diff, RUNTIMES, type RuntimeName } from '../diff';
import type { EngineChoice } from '../engines';
import { MACHINES, type Machine } from '../tables';
import { capabilities, kernel, someOf } from './context-flags';
import { finish, type ReviewFlags, reviewOptions } from './review';
import { loadSides, SIDES } from './side';

export interface DiffFlags extends ReviewFlags {
  caps?: string[];
  kernel?: string;
  arch?: Machine[];
  runtime?: RuntimeName[];
  engine?: EngineChoice;
  reading?: 'docker' | 'podman';
  withoutBase?: true;
}

/** Of the flags, what decides in which contexts is compared. */
export function diffOptions(flags: DiffFlags): DiffOptions {
  const { caps, kernel: kernelVersion, arch, runtime, reading } = flags;
  return {
    ...(caps === undefined ? {} : { capabilities: caps }),
    ...(kernelVersion === undefined ? {} : { kernelVersion }),
    ...(arch === undefined ? {} : { machines: arch }),
    ...(runtime === undefined ? {} : { runtimes: runtime }),
    ...(reading === undefined ? {} : { engine: { name: reading, version: null } }),
  };
}

async function run(before: string, after: string, flags: DiffFlags): Promise<void> {
  const [old, now] = await loadSides(before, after, {
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    withoutBase: flags.withoutBase === true,
  });
  await finish(diff(old, now, diffOptions(flags)), flags);
}

const ABOUT = `What may a process do under NEW that it could not under OLD, and what no longer?
Decided exactly on what the filters mean, for every call of every ABI and every
argument; in every context that the two tell apart, unless one is named.

A side: ${SIDES}.

Verdicts: identical (the same text), equivalent (the same calls may pass),
narrows, widens, mixed. Status 0 whatever the verdict, without --fail-on.`;

export function register(program: Command): void {
  const command = program
    .command('diff')
    .summary('say exactly what a change of a profile permits and refuses')
    .description(ABOUT)
    .argument('<old>', 'the side before')
    .argument('<new>', 'the side after')
    .option(
      '--caps <names>',
      'the bounding set, by commas: capabilities, default (of Docker), none',
      capabilities,
    )
    .option('--kernel <version>', 'the kernel, for rules with a minKernel', kernel)
    .option('--arch <names>', `the machines: ${MACHINES.join(', ')}`, someOf(MACHINES))
    .option('--runtime <names>', `the runtimes: ${RUNTIMES.join(', ')}`, someOf(RUNTIMES))
    .option('--reading <engine>', 'read gated files as docker or podman does', reading)
    .option(
      '--engine <engine>',
      'where to look for containers: auto, docker, podman, cri, runc, crun',
      engine,
    )
    .option('--without-base', 'read a SeccompProfile without the base profile that it names');
  reviewOptions(command, ['widen', 'high', 'medium', 'any']).action(run);
}

function reading(text: string): 'docker' | 'podman' {
  if (text !== 'docker' && text !== 'podman')
    throw new InvalidArgumentError('expected docker or podman');
  return text;
}

const ENGINES: readonly EngineChoice[] = ['auto', 'docker', 'podman', 'cri', 'oci', 'runc', 'crun'];

function engine(text: string): EngineChoice {
  const found = ENGINES.find((choice) => choice === text);
  if (found === undefined) throw new InvalidArgumentError(`expected one of ${ENGINES.join(', ')}`);
  return found;
}
