/** Where CRI runtimes and the state of OCI runtimes are looked for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { SysieveError } from '../errors';
import { isStateDirectory, type RuntimeName, stateDirectories } from './oci-state';
import type { Endpoint } from './types';

export const CRI_VARIABLE = 'CONTAINER_RUNTIME_ENDPOINT';

/** Of containerd, CRI-O, k3s and RKE2, k0s, MicroK8s and cri-dockerd. */
const CRI_SOCKETS = [
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/k3s/containerd/containerd.sock',
  '/run/k0s/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/cri-dockerd.sock',
];

export interface Place {
  endpoint: Endpoint;
  /** By the user or the environment: its absence is an error. */
  named: boolean;
}

function unixPath(variable: string, value: string): string {
  const match = /^unix:(?:\/\/)?(\/.*)$/.exec(value) ?? /^(\/.*)$/.exec(value);
  if (match?.[1] !== undefined) return match[1];
  throw new SysieveError('system', 'engine-remote', `${value} is not a local socket`, {
    cause: `${variable}: the processes of a remote runtime are not on this machine`,
    remedy: 'Run sysieve on the node, or name its local socket as unix://PATH.',
  });
}

export function criPlaces(socket: string | undefined): Place[] {
  const value = process.env[CRI_VARIABLE];
  const named = socket ?? (value === '' ? undefined : value);
  if (named !== undefined) {
    const from = socket === undefined ? CRI_VARIABLE : 'the socket asked for';
    return [{ endpoint: { kind: 'cri', path: unixPath(from, named) }, named: true }];
  }
  return CRI_SOCKETS.filter((file) => existsSync(file)).map((file) => ({
    endpoint: { kind: 'cri', path: file },
    named: false,
  }));
}

export function statePlaces(runtime: RuntimeName, dir: string | undefined): Place[] {
  if (dir === undefined) {
    return stateDirectories(runtime)
      .filter((root) => isStateDirectory(root))
      .map((root) => ({ endpoint: { kind: 'state', path: root, runtime }, named: false }));
  }
  if (isStateDirectory(dir)) {
    return [{ endpoint: { kind: 'state', path: path.resolve(dir), runtime }, named: true }];
  }
  throw new SysieveError('input', 'state-dir-not-found', `${dir} is no directory`, {
    remedy: `Give the directory that ${runtime} was given with --root, or leave --state-dir out.`,
  });
}

export function lookedFor(engine: 'cri' | RuntimeName): string {
  return engine === 'cri'
    ? `no socket at ${CRI_SOCKETS.join(', ')}, ${CRI_VARIABLE} is not set`
    : `no state directory at ${stateDirectories(engine).join(', ')}`;
}
