/** `sysieve reach REC…`: what the recorded executables can call and no run of them has. */
import { type Command, Option } from 'commander';
import { containerControl, type EngineChoice, findContainer } from '../engines';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic } from '../io';
import { type Reach, serializeReach, suggestion, type Unseen, unseen } from '../reach';
import type { Run } from '../recording';
import { count } from '../render/words';
import { executablesOf, reachIn, reachOfImage } from '../staging/reach-app';
import { reachOfAll } from '../staging/reachable';
import { readRecordings } from './files';
import { emit, emitJson, say } from './output';
import { stdoutTwice } from './streams';
import { printable } from './terminal';

interface Flags {
  output?: string;
  root?: string;
  container?: string;
  image?: string;
  engine: EngineChoice;
  all?: true;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('reach')
    .summary('say which calls the recorded executables can make and no run made')
    .description(
      'Scans the executables of a recording and their libraries, as they lie in the file system they ran\n' +
        'in, and lists the calls that they can make and that were not seen: the likeliest first, each with\n' +
        'the shortest way to it. With -o the result is kept, and minimise --reach takes it from there.',
    )
    .argument('<recording...>', "files that `sysieve record` wrote; '-': standard input")
    .option(
      '-o, --output <file>',
      'keep what was found; RECORDING.reach.json is where minimise looks',
    )
    .option('--root <directory>', 'the file system they ran in (default: this one, for commands)')
    .option('--container <name>', 'that of a running container')
    .option('--image <image>', 'that of an image; nothing of it is started')
    .addOption(
      new Option('--engine <engine>', 'whose container or image it is')
        .choices(['auto', 'docker', 'podman', 'cri'])
        .default('auto'),
    )
    .option('--all', 'list those that are remote, too')
    .option('--json', 'print the result as JSON')
    .action(reach);
}

function usage(message: string, remedy: string): SysieveError {
  return new SysieveError('usage', 'usage', message, { remedy });
}

async function reach(paths: string[], flags: Flags): Promise<void> {
  const { output, root, container, image } = flags;
  const places = [root, container, image].filter((one) => one !== undefined);
  if (places.length > 1) {
    throw usage('reach looks into one file system', 'Give one of --root, --container, --image.');
  }
  if (output === '-' && flags.json === true) {
    throw stdoutTwice();
  }
  if (output !== undefined) await checkDestination(output);
  const { runs } = await readRecordings(paths);
  const kept = places.length === 0 ? await reachOfAll(paths) : null;
  const made = kept ?? (await scanned(runs, flags));
  if (output !== undefined) await writeFileAtomic(output, serializeReach(made));
  const found = unseen(made, runs);
  if (flags.json === true) return emitJson({ version: 1, ...found });
  if (output !== '-') await emit(`${unseenText(found, flags.all === true).join('\n')}\n`);
  if (output !== undefined && output !== '-') say(`written to ${printable(output)}`);
}

async function scanned(runs: readonly Run[], flags: Flags): Promise<Reach> {
  const executables = executablesOf(runs);
  const { root, container, image, engine } = flags;
  if (root !== undefined) return reachIn(root, executables);
  if (container !== undefined) {
    const { pid, name } = await findContainer(container, { engine });
    if (pid === null) {
      throw new SysieveError('input', 'container-not-running', `${name} is not running`, {
        cause: 'its files are reached through its processes, and it has none',
        remedy: 'Start it, or give --image with the image it is made of.',
      });
    }
    return reachIn(`/proc/${pid}/root`, executables);
  }
  if (image !== undefined) {
    return reachOfImage(await containerControl({ engine, image }), image, executables);
  }
  const elsewhere = runs.find(({ target }) => target.kind === 'container' || target.kind === 'pod');
  if (elsewhere !== undefined) {
    throw usage(
      'the recording is of a container, whose files are not those of this system',
      'Give --container NAME while it runs, or --image IMAGE.',
    );
  }
  return reachIn('/', executables);
}

const SHOWN = 100;

export function unseenText(found: Unseen, all: boolean): string[] {
  const { calls, unexplained, unscanned, unresolved, uncovered } = found;
  const likely = calls.filter(({ likelihood }) => likelihood === 'likely');
  const risky = calls.filter(({ risk }) => risk !== null);
  const lines = [
    `${count(calls.length, 'call')} reachable but not exercised, ${likely.length} of them likely` +
      (risky.length === 0 ? '' : `, ${risky.length} dangerous`),
  ];
  for (const kind of ['likely', 'possible', 'remote'] as const) {
    const some = calls.filter(({ likelihood }) => likelihood === kind);
    if (some.length === 0) continue;
    lines.push('', `${kind}:`);
    if (kind === 'remote' && !all) {
      lines.push(`  ${count(some.length, 'call')}; --all lists them`);
      continue;
    }
    for (const { name, abi, risk, chain } of some.slice(0, SHOWN)) {
      const which = abi === 'x86_64' ? name : `${name} (${abi})`;
      const danger = risk === null ? '' : `  [risk tier ${risk}]`;
      const hint = suggestion(chain);
      const exercise = hint === null ? '' : `  (to exercise it: ${hint})`;
      lines.push(`  ${which.padEnd(18)} ${chain.map(printable).join(' > ')}${danger}${exercise}`);
    }
  }
  if (unexplained.length > 0) {
    lines.push(
      '',
      'seen, but found by no scan (just-in-time code, what was loaded later, or a wrong scan):',
    );
    for (const { name, executables } of unexplained)
      lines.push(`  ${name.padEnd(18)} ${executables.map(printable).join(', ')}`);
  }
  if (unresolved > 0)
    lines.push('', `${count(unresolved, 'place')} where the number of the call is not known`);
  for (const path of unscanned) lines.push(`not scanned: ${printable(path)}`);
  for (const { executable, path, message } of uncovered)
    lines.push(
      `not covered: ${printable(path)} (of ${printable(executable)}): ${printable(message)}`,
    );
  return lines;
}
