/** The only file that loads the addon. */
import { SysieveError } from '../errors';
import { nativeFile, nativeRemedy } from '../install';
import type { NativeAddon } from './binding-types';

let loaded: NativeAddon | null = null;

/** Throws a SysieveError of kind system when the addon is not built or its libraries are missing. */
export function addon(): NativeAddon {
  if (loaded !== null) return loaded;
  if (process.platform !== 'linux') {
    throw new SysieveError('system', 'not-linux', 'system calls can be recorded on Linux only', {
      remedy: 'Record on the host that runs the container; profiles can be compared anywhere.',
    });
  }
  try {
    loaded = require(nativeFile('sysieve.node')) as NativeAddon;
  } catch (error) {
    const cause = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new SysieveError('system', 'addon-missing', "sysieve's native part cannot be loaded", {
      cause,
      remedy: nativeRemedy(
        "Run 'npm run setup' and 'npm run build' in sysieve's directory: that installs libbpf and builds the addon.",
        cause,
      ),
    });
  }
  return loaded;
}
