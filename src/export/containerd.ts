/**
 * containerd: the file alone. Its CRI plugin takes the path from kubelet, and has no default of its own
 * to set: `unset_seccomp_profile` is for requests without a profile, which kubelet never makes.
 */
import { kubeletRoot, pathOf } from './kubelet';
import { plainFile } from './plain';
import type { Emitter } from './types';

export const containerd: Emitter = ([profile], options) => {
  const { text, notes } = plainFile(profile, options);
  const path = `${kubeletRoot(options)}/${pathOf(profile, options)}`;
  return {
    files: [{ name: `${profile.name}.json`, data: text }],
    notes: [
      ...notes,
      `it belongs at ${path}; in CRI: seccomp {profile_type: Localhost, localhost_ref: ${path}}`,
      `by hand: ctr run --seccomp --seccomp-profile ${path} …`,
      'a privileged container runs without a filter whatever is asked for',
    ],
  };
};
