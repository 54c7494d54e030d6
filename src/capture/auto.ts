/** `--tracer auto`: the first tracer that this host lets run, found out by arming it on the target. */
import { SysieveError } from '../errors';
import type { TracerName } from './binding-types';
import type { RecordHooks } from './record';

/** Refusals of a host to a tracer. Anything else (no such process, a limit hit) is told as it is. */
const UNFIT = ['no-privilege', 'kernel-unfit', 'pid-namespace', 'filter-refused', 'tracer-failed'];

export interface Asked {
  /** False: something that runs already, or a container; a filter can only be given to what one starts. */
  command: boolean;
  /** Denied calls, or one kind of BPF programs: what only eBPF has was asked for. */
  ebpfOnly: boolean;
}

/** In the order they are tried. */
function candidates({ command, ebpfOnly }: Asked): readonly TracerName[] {
  if (ebpfOnly) return ['ebpf'];
  return command ? ['ebpf', 'ptrace', 'notify'] : ['ebpf', 'ptrace'];
}

/**
 * Records by `body` with the first tracer that can be armed; says which that is and why not those
 * before it. Throws what the only candidate threw; of several, an error that has all their reasons.
 */
export async function recordAuto<T>(
  asked: Asked,
  hooks: RecordHooks,
  body: (tracer: TracerName, hooks: RecordHooks) => Promise<T>,
): Promise<T> {
  const refusals: string[] = [];
  const tracers = candidates(asked);
  for (const tracer of tracers) {
    let armed = false;
    const onReady = (what: string): void => {
      armed = true;
      hooks.onNote([`tracer ${tracer}`, ...refusals].join('; '));
      hooks.onReady(what);
    };
    try {
      return await body(tracer, { ...hooks, onReady });
    } catch (thrown) {
      const unfit = thrown instanceof SysieveError && UNFIT.includes(thrown.code);
      // What it has recorded by now no other tracer can; a command refused its filter has not run.
      const late = armed && unfit && thrown.code !== 'filter-refused';
      if (!unfit || late || tracers.length === 1) throw thrown;
      const reason = thrown.reason === undefined ? '' : ` (${thrown.reason})`;
      refusals.push(`not ${tracer}: ${thrown.message}${reason}`);
    }
  }
  throw new SysieveError('system', 'no-tracer', 'no tracer can be used here', {
    cause: refusals.join('; '),
    remedy: "Run 'sysieve doctor': it says what each tracer needs.",
  });
}
