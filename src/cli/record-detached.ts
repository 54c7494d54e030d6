/** `sysieve record --detach`. */
import type { NativePrograms } from '../capture/binding-types';
import { type DetachedTarget, detach, MAX_MEMORY } from '../capture/detached';
import type { EngineChoice } from '../engines';
import { SysieveError } from '../errors';
import { emitJson, say } from './output';
import { printable } from './terminal';

interface Options {
  pid?: number;
  cgroup?: string;
  container?: string;
  engine: EngineChoice;
  boundary: 'namespace' | 'filter';
  tracer: string;
  programs: 'auto' | 'typed' | 'raw';
  sessionName?: string;
  maxMemory?: number;
  json?: true;
}

function targetOf(options: Options): DetachedTarget | null {
  const { pid, container, cgroup, engine, boundary } = options;
  const targets: DetachedTarget[] = [];
  if (pid !== undefined) targets.push({ kind: 'pid', pid });
  if (container !== undefined) targets.push({ kind: 'container', name: container, engine });
  if (cgroup !== undefined) targets.push({ kind: 'cgroup', path: cgroup, execRule: boundary });
  return targets.length === 1 ? (targets[0] ?? null) : null;
}

function refused(code: string, message: string, remedy: string): SysieveError {
  return new SysieveError('usage', code, message, { remedy });
}

export async function recordDetached(
  command: readonly string[],
  options: Options,
  given: (name: string) => boolean,
  prepared: NativePrograms | undefined,
): Promise<void> {
  const target = targetOf(options);
  if (command.length > 0 || target === null) {
    throw refused(
      'detach-target',
      '--detach records a running process, a container or a cgroup',
      'Give one of --pid, --container and --cgroup, and no command.',
    );
  }
  if (options.tracer !== 'ebpf' && options.tracer !== 'auto') {
    throw refused(
      'detach-tracer',
      `the ${options.tracer} tracer needs a process`,
      'Leave out --tracer, or --detach.',
    );
  }
  const ended = ['output', 'duration', 'until-stable', 'min'].find((flag) =>
    given(flag === 'until-stable' ? 'untilStable' : flag),
  );
  if (ended !== undefined) {
    throw refused(
      'detach-end',
      `--${ended} has no meaning with --detach`,
      "Leave it out: 'sysieve stop ID' ends the recording and writes it.",
    );
  }
  const { session, memory } = await detach(target, {
    name: options.sessionName ?? null,
    programs: options.programs,
    prepared,
    maxMemory: options.maxMemory ?? MAX_MEMORY,
  });
  const what = session.target.name ?? `process ${session.target.id}`;
  say(`recording ${printable(what)} as session ${session.id}, without a process`);
  say(`end it with 'sysieve stop ${session.id} -o recording.json'`);
  if (options.json === true) {
    const { id, start, target: of, attachedLate } = session;
    await emitJson({ version: 1, session: id, start, target: of, attachedLate, memory });
  } else {
    process.stdout.write(`${session.id}\n`);
  }
}
