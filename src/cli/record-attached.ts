/** `sysieve record` for as long as it runs. */
import { recordAuto } from '../capture/auto';
import type { NativePrograms, TracerName } from '../capture/binding-types';
import {
  type Recorded,
  type RecordHooks,
  recordCgroup,
  recordCommand,
  recordContainer,
  recordPid,
} from '../capture/record';
import { SysieveError } from '../errors';
import type { Options } from './record-options';
import { recordWith } from './recorded';

function requireOneTarget(command: string[], options: Options): void {
  const chosen = [
    command.length > 0 ? 'a command' : null,
    options.pid !== undefined ? '--pid' : null,
    options.cgroup !== undefined ? '--cgroup' : null,
    options.container !== undefined ? '--container' : null,
    options.pod !== undefined ? '--pod' : null,
  ].filter((target) => target !== null);
  if (chosen.length !== 1) {
    const given =
      chosen.length === 0 ? 'no target given' : `${chosen.join(' and ')} exclude each other`;
    throw new SysieveError('usage', 'target-unclear', given, {
      remedy: 'Give one of --pid, --container, --pod, --cgroup, or -- COMMAND.',
    });
  }
}

export async function record(
  command: string[],
  options: Options,
  prepared: NativePrograms | undefined,
): Promise<void> {
  const stray = options.image !== undefined ? '--image' : options.label !== undefined && '--label';
  if (stray) {
    throw new SysieveError('usage', 'all-missing', `${stray} has a meaning with --all only`, {
      remedy: 'Add --all, or name one container with --container.',
    });
  }
  requireOneTarget(command, options);
  if (options.sessionName !== undefined || options.maxMemory !== undefined) {
    throw new SysieveError(
      'usage',
      'not-detached',
      '--session-name and --max-memory need --detach',
    );
  }
  if ((options.tracer === 'ptrace' || options.tracer === 'notify') && options.denied === true) {
    const message = `--denied has no meaning with --tracer ${options.tracer}`;
    throw new SysieveError('usage', 'denied-unseen', message, {
      remedy:
        'Leave out --denied, or use --tracer ebpf: this one cannot tell denied calls from others.',
    });
  }
  if (options.untilStable !== undefined && options.pid !== undefined && !options.withoutStart) {
    throw new SysieveError('usage', 'start-unseen', '--until-stable waits for a start', {
      remedy: 'Add --without-start, and record a start apart: a process that runs shows none.',
    });
  }
  const { tracer, programs } = options;
  const denied = options.denied === true;
  const entryOnly = options.entryOnly === true;
  if (entryOnly && (tracer !== 'ptrace' || command.length === 0)) {
    throw new SysieveError(
      'usage',
      'entry-only-unfit',
      '--entry-only is for commands under ptrace',
      {
        remedy: 'Give --tracer ptrace and put the command last, or leave --entry-only out.',
      },
    );
  }
  if (tracer === 'notify' && command.length === 0) refuseAttaching();
  checkPlace(options);
  const advice = entryOnly ? ['the command is killed when its recording or sysieve ends'] : [];
  const body: Parameters<typeof recordWith>[1] = (hooks, onStarted) => {
    const recordBy = async (chosen: TracerName, hooks: RecordHooks): Promise<Recorded> => {
      const how = { tracer: chosen, denied, programs, prepared };
      if (options.pid !== undefined) return recordPid(options.pid, how, hooks);
      if (options.pod !== undefined) {
        return recordContainer(options.pod, { ...how, engine: 'cri' }, hooks);
      }
      if (options.container !== undefined) {
        const { engine, stateDir } = options;
        return recordContainer(options.container, { ...how, engine, stateDir }, hooks);
      }
      if (options.cgroup !== undefined) {
        return recordCgroup(options.cgroup, { ...how, execRule: options.boundary }, hooks);
      }
      const { notifyAll, traceAll } = await import('../libseccomp/index.js');
      const filter =
        chosen === 'notify' ? { program: notifyAll(), flags: 0, partial: false } : undefined;
      const more = { ...(filter && { filter }), ...(entryOnly && { stops: traceAll() }) };
      return recordCommand(command, { ...how, ...more, onStarted }, hooks);
    };
    if (tracer !== 'auto') return recordBy(tracer, hooks);
    const ebpfOnly = denied || programs !== 'auto';
    return recordAuto({ command: command.length > 0, ebpfOnly }, hooks, recordBy);
  };
  const alongside =
    options.reach === true
      ? await (await import('./record-reach.js')).reachAlongside(options)
      : undefined;
  await recordWith(options, body, { advice, command: command.length > 0, alongside });
}

/** Options that say where a container is, and contradict the rest. */
export function checkPlace({ pod, container, engine, stateDir }: Options): void {
  if (pod !== undefined && !/^[^/]+\/[^/]+(\/[^/]+)?$/.test(pod)) {
    throw new SysieveError('usage', 'pod-unclear', `--pod "${pod}" names no pod`, {
      remedy: 'Give NAMESPACE/POD or NAMESPACE/POD/CONTAINER, as kubectl get pods -A lists them.',
    });
  }
  if (pod !== undefined && engine !== 'auto' && engine !== 'cri') {
    throw new SysieveError('usage', 'pod-engine', `${engine} has no pods of Kubernetes`, {
      remedy: 'Leave --engine out: --pod is looked up by the CRI.',
    });
  }
  if (stateDir === undefined) return;
  if (container === undefined || !['oci', 'runc', 'crun'].includes(engine)) {
    throw new SysieveError('usage', 'state-dir-unfit', '--state-dir is of runc and crun', {
      remedy: 'Give --container ID and --engine runc or --engine crun with it.',
    });
  }
}

/** A filter can be given to what one starts, to nothing that runs. */
function refuseAttaching(): never {
  throw new SysieveError(
    'usage',
    'tracer-cannot-attach',
    'the notify tracer records commands only',
    {
      remedy: "Put the command last (-- COMMAND); for a container see 'sysieve agent --help'.",
    },
  );
}
