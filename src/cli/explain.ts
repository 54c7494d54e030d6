/** `sysieve explain CALL [PROFILE]`: what a call does, and why it is or is not in a profile. */
import { type Command, Option } from 'commander';
import type { Side } from '../diff';
import { explainCall, explanationLines, type Subject } from '../explain';
import { MACHINES, type Machine, machineOfArchitectures } from '../tables';
import { emit, emitJson, warn } from './output';
import { loadSide, SIDES } from './side';
import { printable, styled } from './terminal';

interface Flags {
  arch?: Machine;
  json?: boolean;
  withoutBase?: true;
}

function machineOf(side: Side | null): Machine {
  if (side === null) return 'x86_64';
  if (side.kind !== 'profile') return side.live.machine;
  return machineOfArchitectures(side.profile.value.architectures);
}

function subjectOf(side: Side): Subject {
  if (side.kind !== 'profile') return side;
  const { kind, label, profile, engine, evidence } = side;
  return { kind, label, profile, engine, evidence };
}

const NARROWEST = 40;
const WIDEST = 100;

function width(): number {
  return Math.max(NARROWEST, Math.min(WIDEST, process.stdout.columns ?? 80));
}

async function run(call: string, spec: string | undefined, flags: Flags): Promise<void> {
  const side =
    spec === undefined ? null : await loadSide(spec, { withoutBase: flags.withoutBase === true });
  for (const note of side?.notes ?? []) warn(note);
  const explanation = explainCall(call, side === null ? null : subjectOf(side), {
    machine: flags.arch ?? machineOf(side),
    capabilities: side === null || side.kind === 'profile' ? null : side.live.capabilities,
  });
  if (flags.json) {
    await emitJson(explanation);
    return;
  }
  const lines = explanationLines(explanation, width()).map(({ text, heading }) =>
    heading ? styled(printable(text), 'bold', process.stdout) : printable(text),
  );
  await emit(`${lines.join('\n')}\n`);
}

export function register(program: Command): void {
  program
    .command('explain')
    .description('say what a call does, its rule in a profile, why it is there and who needs it')
    .argument('<call>', 'the name of a system call')
    .argument('[profile]', `where to look it up: ${SIDES}`)
    .addOption(
      new Option(
        '--arch <machine>',
        'whose ABIs to look at; that of the profile unless said',
      ).choices(MACHINES),
    )
    .option('--without-base', 'read a SeccompProfile without the base profile that it names')
    .option('--json', 'print what is known as JSON')
    .action(run);
}
