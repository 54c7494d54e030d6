/**
 * Where kubelet looks for a pod's profile: `localhostProfile` is joined to its root directory and
 * `seccomp` (k8s.io/kubernetes pkg/kubelet: --root-dir, by default /var/lib/kubelet). The API server
 * takes a relative path without `..`.
 */
import { SysieveError } from '../errors';
import type { ExportOptions, NamedProfile } from './types';

const KUBELET_ROOT = '/var/lib/kubelet/seccomp';

/** Safe in a path, a shell word, a unit and TOML; no segment begins with a dot or a dash. */
const SEGMENTS = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

function invalid(option: string, value: string, remedy: string): SysieveError {
  return new SysieveError(
    'input',
    'path-invalid',
    `${option} ${JSON.stringify(value)}: not a path that every reader takes as it is`,
    { remedy },
  );
}

const CHARACTERS = 'of letters, digits, ., _ and -, none of its parts beginning with . or -';

/** Absolute, without a slash at its end. */
export function rootOf({ root }: ExportOptions, fallback: string): string {
  if (root === undefined) return fallback;
  if (root.startsWith('/') && SEGMENTS.test(root.slice(1)) && root.length <= 1024) return root;
  throw invalid('--root', root, `Give an absolute path ${CHARACTERS}.`);
}

/** Relative to the directory of profiles. */
export function pathOf({ name }: NamedProfile, { directory }: ExportOptions): string {
  if (directory === undefined) return `${name}.json`;
  if (SEGMENTS.test(directory) && directory.length <= 1024) return `${directory}/${name}.json`;
  throw invalid('--directory', directory, `Give a relative path ${CHARACTERS}.`);
}

export function kubeletRoot(options: ExportOptions): string {
  return rootOf(options, KUBELET_ROOT);
}
