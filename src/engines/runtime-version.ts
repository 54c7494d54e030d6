/** The version of an OCI runtime on this machine, as it says itself. */
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

const ANSWER_MS = 5_000;

/** Where engines look for a runtime that has no path; root's own directories. */
const SEARCHED = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Nothing but these is ever executed: the name comes from an engine's answer. */
const KNOWN = /^(runc|crun)$/;

function executable(name: string): string | null {
  if (!KNOWN.test(path.basename(name))) return null;
  const files = path.isAbsolute(name) ? [name] : SEARCHED.map((dir) => path.join(dir, name));
  for (const file of files) {
    try {
      accessSync(file, constants.X_OK);
      const { uid, mode } = statSync(file);
      // Another user's program is not run as root.
      if (uid === 0 && (mode & 0o022) === 0) return file;
    } catch {
      // Not there.
    }
  }
  return null;
}

/** null: not told. `name`: runc or crun, or the path of one. */
export async function runtimeVersion(name: string): Promise<string | null> {
  const file = executable(name);
  if (file === null) return null;
  return new Promise((resolve) => {
    execFile(file, ['--version'], { timeout: ANSWER_MS, maxBuffer: 1 << 16 }, (error, stdout) => {
      resolve(error === null ? (/version (\S+)/.exec(stdout)?.[1] ?? null) : null);
    });
  });
}
