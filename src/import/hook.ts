/** What oci-seccomp-bpf-hook writes: a profile in Podman's format, without gates, of what it saw. */
import { SysieveError } from '../errors';
import { parseGatedProfile } from '../profile';
import { resolveFor } from './gated';
import type { Importer } from './types';

export const hook: Importer = ([{ source, text }], options) => {
  const gated = parseGatedProfile(text, source);
  const rule = gated.syscalls.findIndex(
    ({ action, args }) => action !== 'SCMP_ACT_ALLOW' || args.length > 0,
  );
  if (rule !== -1) {
    throw new SysieveError(
      'input',
      'hook-profile',
      `${source}: syscalls[${rule}]: the hook writes rules that permit calls, without arguments`,
      { remedy: 'Import it with --from podman: it is a profile of another origin.' },
    );
  }
  const { profile } = resolveFor('podman', gated, source, options);
  return {
    kind: 'profiles',
    profiles: [{ name: null, profile }],
    notes: [
      `${source}: a profile and no recording: the hook does not say what its buffer lost, in which ABI a ` +
        'call was made, with which arguments, by which program, or whether it was denied',
    ],
  };
};
