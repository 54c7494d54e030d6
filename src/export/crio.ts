/**
 * CRI-O: a drop-in by which the profile is what RuntimeDefault means on a node, or with --artifact an
 * annotation by which CRI-O pulls it for a pod (cri-o internal/config/seccomp).
 */
import { SysieveError } from '../errors';
import { engineFile } from './engine-file';
import { rootOf } from './kubelet';
import { checkImage } from './names';
import { objectFile } from './objects';
import type { Emitter, Exported, ExportOptions, NamedProfile } from './types';
import { containersOf, workloadOf } from './workload';

const ROOT = '/etc/crio/seccomp';

/** The current name, which wins, and the one that releases before it know. */
const ANNOTATIONS = ['seccomp-profile.crio.io', 'seccomp-profile.kubernetes.cri-o.io'];

function dropIn(named: NamedProfile, options: ExportOptions): Exported {
  for (const key of ['workload', 'container', 'namespace', 'syntax'] as const) {
    if (options[key] === undefined) continue;
    throw new SysieveError('usage', 'usage', `--${key} has no meaning without --artifact`);
  }
  const { text, notes } = engineFile(named, 'podman', options);
  const path = `${rootOf(options, ROOT)}/${named.name}.json`;
  const conf = `20-seccomp-${named.name}.conf`;
  return {
    files: [
      { name: conf, data: `[crio.runtime]\nseccomp_profile = "${path}"\n` },
      { name: `${named.name}.json`, data: text },
    ],
    notes: [
      ...notes,
      `${named.name}.json belongs at ${path}, ${conf} in /etc/crio/crio.conf.d; then: systemctl reload crio`,
      'it becomes the default of the node: every pod with RuntimeDefault, and every sandbox, runs under ' +
        'it from then on; for one workload use --artifact, or --to machineconfig and --to kubernetes',
    ],
  };
}

function annotation(named: NamedProfile, artifact: string, options: ExportOptions): Exported {
  if (options.root !== undefined) {
    throw new SysieveError('usage', 'usage', '--root has no meaning with --artifact');
  }
  const { text, notes } = engineFile(named, 'podman', options);
  const reference = checkImage(artifact);
  const workload = workloadOf(options);
  const targets = containersOf(options) ?? ['POD'];
  const keys = targets.flatMap((target) => ANNOTATIONS.map((key) => `${key}/${target}`));
  const annotations = Object.fromEntries(keys.map((key) => [key, reference]));
  const patch = workload.patch({ metadata: { annotations } });
  return {
    files: [
      objectFile(`${workload.name}-seccomp`, patch, options, 'the patch'),
      { name: `${named.name}.json`, data: text },
    ],
    notes: [
      ...notes,
      `push ${named.name}.json as the only file of ${reference}, for example: oras push ${reference} ` +
        `${named.name}.json`,
      'CRI-O reads the annotation only where the runtime handler lists it in allowed_annotations, and only ' +
        'for containers with no seccompProfile or Unconfined: under RuntimeDefault, which restricted-v2 ' +
        'sets on OpenShift, it goes by unread',
      'where it goes by unread nothing says so: the container runs as if it were not there, perhaps ' +
        'unconfined; compare with sysieve diff what is installed',
      ...(/@sha256:[0-9a-f]{64}$/.test(reference)
        ? []
        : [`${reference} names no digest: whoever may push there changes the profile`]),
    ],
  };
}

export const crio: Emitter = ([named], options) =>
  options.artifact === undefined
    ? dropIn(named, options)
    : annotation(named, options.artifact, options);
