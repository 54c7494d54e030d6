/** `record --reach`: what the recorded executables can call, scanned while their files are there. */
import { descendantsOf, MappedFiles, processesIn } from '../capture/mapped';
import { findContainer } from '../engines';
import { SysieveError } from '../errors';
import { checkDestination, writeFileAtomic } from '../io';
import { serializeReach, unseen } from '../reach';
import type { Run } from '../recording';
import { executablesOf, reachIn } from '../staging/reach-app';
import { reachPath } from '../staging/reachable';
import type { Options } from './record-options';
import { printable } from './terminal';

const LOOK_MS = 500;
/** A container may not run yet, or run in other cgroups after a restart. */
const FIND_MS = 2_000;

/** Beside a recording: told of its progress, and asked for the rest at its end. */
export interface Alongside {
  look(): void;
  /** Lines for the user. */
  finish(run: Run): Promise<string[]>;
}

export async function reachAlongside(options: Options): Promise<Alongside> {
  if (options.output === '-') {
    throw new SysieveError('usage', 'reach-nowhere', '--reach needs a file beside the recording', {
      remedy: 'Give -o a file, or run sysieve reach on the recording.',
    });
  }
  const output = reachPath(options.output);
  await checkDestination(output);
  const processes = processesOf(options);
  const mapped = new MappedFiles(processes);
  let looked = 0;
  return {
    look() {
      if (Date.now() - looked < LOOK_MS) return;
      looked = Date.now();
      mapped.look();
    },
    async finish(run) {
      try {
        const ofHost = run.target.kind !== 'container' && run.target.kind !== 'pod';
        // Whose root could not be looked at need not have that of the host.
        const root = mapped.rootPath ?? (ofHost && !mapped.refused ? '/' : null);
        if (root === null) {
          return [
            mapped.refused
              ? 'reach: its processes may not be looked at, so its files were not: give CAP_SYS_PTRACE'
              : 'reach: no process of it was seen, so its files were not: see sysieve reach --image',
          ];
        }
        const reach = await reachIn(root, executablesOf([run]), mapped.byExecutable);
        await writeFileAtomic(output, serializeReach(reach));
        const { calls } = unseen(reach, [run]);
        const likely = calls.filter(({ likelihood }) => likelihood === 'likely').length;
        return [
          ...(mapped.refused
            ? [
                'reach: some of its processes may not be looked at, and what they loaded is not in it: give CAP_SYS_PTRACE',
              ]
            : []),
          `${calls.length} calls reachable but not exercised, ${likely} of them likely: ` +
            `written to ${printable(output)}`,
        ];
      } finally {
        mapped.close();
      }
    },
  };
}

function processesOf(options: Options): () => readonly number[] {
  const { pid, cgroup, container, pod, engine, stateDir } = options;
  const name = container ?? pod;
  if (pid !== undefined) return () => descendantsOf(pid);
  if (cgroup !== undefined) return () => processesIn([cgroup]);
  // A command is a child of ours, and the only one while it is recorded.
  if (name === undefined) return () => descendantsOf(process.pid).slice(1);
  let cgroups: string[] = [];
  let asked = 0;
  return () => {
    const found = processesIn(cgroups);
    if (found.length === 0 && Date.now() - asked >= FIND_MS) {
      asked = Date.now();
      findContainer(name, { engine: pod === undefined ? engine : 'cri', stateDir }).then(
        (info) => {
          cgroups = info.cgroups.map(({ path }) => path);
        },
        // It is the recorder's part to say what is wrong with it.
        () => undefined,
      );
    }
    return found;
  };
}
