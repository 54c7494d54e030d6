/** A profile's text as the file that Podman wants. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SeccompChoice } from './control';

/**
 * Calls `body` with what Podman takes for the choice: a path, "unconfined", or null for its
 * default. Podman reads the file while it creates the container and never again.
 */
export async function withProfileFile<T>(
  choice: SeccompChoice,
  body: (named: string | null) => Promise<T>,
): Promise<T> {
  if (choice.kind === 'engine-default') return body(null);
  if (choice.kind === 'unconfined') return body('unconfined');
  const dir = await mkdtemp(path.join(tmpdir(), 'sysieve-profile-'));
  try {
    const file = path.join(dir, 'seccomp.json');
    await writeFile(file, choice.text, { mode: 0o600 });
    return await body(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
