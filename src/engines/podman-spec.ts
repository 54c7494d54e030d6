/** What Podman's socket and Podman's command say alike about images and profiles. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { SysieveError } from '../errors';
import type { SeccompChoice } from './control';
import { type InspectedSpec, seccompOption } from './spec';

export const IMAGE_UNKNOWN = /image not known|no such image|does not resolve to an image/i;
export const NAME_IN_USE = /name .* (?:is )?already in use/i;

const Image = z.object({
  Config: z.object({ Volumes: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

export function podmanImageVolumes(raw: unknown): string[] {
  return Object.keys(Image.safeParse(raw).data?.Config?.Volumes ?? {});
}

const RuntimeConfig = z.object({
  linux: z.object({ seccomp: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

/**
 * Podman keeps the path of a profile, not its text, and the file may have changed or gone since.
 * What the container was made with stands in the configuration that its runtime is given.
 */
export async function podmanSeccomp(c: InspectedSpec): Promise<SeccompChoice> {
  const option = seccompOption(c);
  if (option === null) return { kind: 'engine-default' };
  if (option === 'unconfined') return { kind: 'unconfined' };
  const file = c.OCIConfigPath ?? '';
  try {
    const config = RuntimeConfig.parse(JSON.parse(await readFile(file, 'utf8')));
    if (config.linux?.seccomp)
      return { kind: 'profile', text: JSON.stringify(config.linux.seccomp) };
    throw new Error('it holds no seccomp profile');
  } catch (error) {
    throw new SysieveError(
      'input',
      'container-profile-unknown',
      `podman does not tell the seccomp profile of ${c.Name}`,
      {
        cause: `${file === '' ? 'no runtime configuration' : file}: ${(error as Error).message}`,
        remedy: 'Start the container once: podman writes what it gives the runtime only then.',
      },
    );
  }
}
