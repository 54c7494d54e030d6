/** A pod, or what makes pods: where its pod's specification lies, and patches for it. */
import { SysieveError } from '../errors';
import { checkLabel, checkObjectName } from './names';
import type { ExportOptions } from './types';
import type { PlainObject } from './yaml';

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string, pod: string[]]>> =
  {
    pod: ['v1', 'Pod', []],
    deployment: ['apps/v1', 'Deployment', ['spec', 'template']],
    statefulset: ['apps/v1', 'StatefulSet', ['spec', 'template']],
    daemonset: ['apps/v1', 'DaemonSet', ['spec', 'template']],
    replicaset: ['apps/v1', 'ReplicaSet', ['spec', 'template']],
    job: ['batch/v1', 'Job', ['spec', 'template']],
    cronjob: ['batch/v1', 'CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
  };

export interface Workload {
  readonly kind: string;
  readonly name: string;
  /** A patch of the object that says this of its pods (metadata, spec). */
  patch(pod: PlainObject): PlainObject;
}

export function workloadOf({ workload, namespace }: ExportOptions): Workload {
  const [given = '', name = '', ...more] = (workload ?? '').split('/');
  const found = KINDS[given.toLowerCase()];
  if (found === undefined || more.length > 0) {
    throw new SysieveError(
      'usage',
      'usage',
      workload === undefined
        ? 'a patch needs to know what it is for'
        : `--workload ${JSON.stringify(workload)}: not a kind and a name`,
      { remedy: `Give --workload KIND/NAME, KIND one of ${Object.keys(KINDS).join(', ')}.` },
    );
  }
  const [apiVersion, kind, pod] = found;
  checkObjectName(`name for a ${kind}`, name);
  const metadata = {
    name,
    ...(namespace === undefined
      ? {}
      : { namespace: checkLabel('namespace', namespace, 'Of lower-case letters, digits and -.') }),
  };
  return {
    kind,
    name,
    patch(said) {
      if (pod.length === 0) {
        const own = said.metadata as PlainObject | undefined;
        return { apiVersion, kind, ...said, metadata: { ...metadata, ...own } };
      }
      const inner = pod.reduceRight<PlainObject>((below, key) => ({ [key]: below }), said);
      return { apiVersion, kind, metadata, ...inner };
    },
  };
}

export function containersOf({ container }: ExportOptions): readonly string[] | undefined {
  return container?.map((name) =>
    checkLabel('name of a container', name, 'Of lower-case letters, digits and -, at most 63.'),
  );
}
