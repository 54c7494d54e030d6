/** The manifests of deploy/openshift, and a pod of them as podman runs it on this machine. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from './recorder';

export const OPENSHIFT = path.join(ROOT, 'deploy/openshift');

export interface PodSpec {
  hostPID: boolean;
  containers: [
    {
      command: string[];
      args: string[];
      env: { name: string; value?: string }[];
      securityContext: {
        runAsUser: number;
        readOnlyRootFilesystem: boolean;
        allowPrivilegeEscalation: boolean;
        capabilities: { drop: string[]; add: string[] };
        seccompProfile: { type: string };
      };
      volumeMounts: { name: string; mountPath: string; readOnly?: boolean }[];
    },
  ];
  volumes: { name: string; hostPath?: { path: string }; configMap?: object; emptyDir?: object }[];
}

/** The documents of a file below deploy/openshift. */
export function documents(file: string): unknown[] {
  const text = readFileSync(path.join(OPENSHIFT, file), 'utf8');
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() as unknown;
  });
}

export function podSpec(file: 'job/job.yaml' | 'daemonset/daemonset.yaml'): PodSpec {
  const [workload] = documents(file) as [{ spec: { template: { spec: PodSpec } } }];
  return workload.spec.template.spec;
}

/**
 * The arguments of `podman run` for the pod's container: its rights and mounts, and no others.
 * `places` stand for directories of the host; `env` for what kustomize and kubelet put in.
 */
export function podmanArgs(
  spec: PodSpec,
  image: string,
  places: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): string[] {
  const [{ command, args, securityContext: rights, volumeMounts, env: variables }] =
    spec.containers;
  const place = (name: string) => {
    const volume = spec.volumes.find((one) => one.name === name);
    if (volume?.configMap !== undefined) return path.join(OPENSHIFT, 'base');
    const directory = places[volume?.hostPath?.path ?? name] ?? volume?.hostPath?.path;
    if (directory === undefined) throw new Error(`no place for the volume ${name}`);
    return directory;
  };
  const values = new Map(variables.map(({ name, value }) => [name, env[name] ?? value ?? '']));
  const expanded = args.map((arg) =>
    arg.replace(/\$\((\w+)\)/g, (_, name) => values.get(name) ?? ''),
  );
  return [
    `--user=${rights.runAsUser}`,
    ...rights.capabilities.drop.map((name) => `--cap-drop=${name}`),
    ...rights.capabilities.add.map((name) => `--cap-add=${name}`),
    ...(rights.readOnlyRootFilesystem ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...(rights.allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges']),
    ...(rights.seccompProfile.type === 'Unconfined' ? ['--security-opt=seccomp=unconfined'] : []),
    ...(spec.hostPID ? ['--pid=host'] : []),
    // As containerd and CRI-O do for what is not privileged on cgroup v2.
    '--cgroupns=private',
    ...[...values].flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ...volumeMounts.flatMap(({ name, mountPath, readOnly }) => [
      '-v',
      `${place(name)}:${mountPath}${readOnly === true ? ':ro' : ''}`,
    ]),
    `--entrypoint=${JSON.stringify(command)}`,
    image,
    ...expanded,
  ];
}
