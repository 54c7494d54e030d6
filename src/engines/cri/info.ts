/** The verbose part of a CRI status: the runtime's own JSON, with the process and its OCI spec. */
import * as z from 'zod';
import { SysieveError } from '../../errors';

/** A spec with many mounts and environment variables; far above what a container has. */
const MAX_INFO = 8 << 20;

const Info = z.object({
  pid: z.number().int().nonnegative().nullish(),
  /** containerd: io.containerd.runc.v2 */
  runtimeType: z.string().max(256).nullish(),
  /** containerd: of runtimeType; the runtime's binary where it is configured. */
  runtimeOptions: z.object({ binary_name: z.string().max(4096).nullish() }).nullish(),
  runtimeSpec: z
    .object({
      linux: z
        .object({
          cgroupsPath: z.string().max(4096).nullish(),
          seccomp: z.looseObject({}).nullish(),
          namespaces: z
            .array(z.object({ type: z.string(), path: z.string().nullish() }))
            .max(64)
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
export type RuntimeInfo = z.infer<typeof Info>;

/** null: the runtime tells none. */
export function runtimeInfo(info: Record<string, string>, path: string): RuntimeInfo | null {
  const text = info.info;
  if (text === undefined || text === '' || text.length > MAX_INFO) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = Info.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SysieveError(
    'system',
    'engine-answer-unexpected',
    `the CRI runtime at ${path} answered in a shape sysieve does not know`,
    {
      cause: `info: ${parsed.error.issues[0]?.message ?? 'no JSON'}`,
      remedy: 'Report the runtime and its version to sysieve.',
    },
  );
}

/**
 * `cgroupsPath` of an OCI spec as a path below the root of each hierarchy: "/pods/ID" as it is, and
 * systemd's "SLICE:PREFIX:NAME" as the scope that runc and crun ask systemd for, below the slices that
 * the dashes of SLICE stand for. null: none that is safe to use.
 */
export function cgroupPath(cgroupsPath: string | null | undefined): string | null {
  if (!cgroupsPath) return null;
  const [slice, prefix, name, ...rest] = cgroupsPath.split(':');
  let at = cgroupsPath;
  if (slice !== undefined && prefix !== undefined && name !== undefined && rest.length === 0) {
    const unit = name.endsWith('.slice')
      ? name
      : `${prefix}${prefix === '' ? '' : '-'}${name}.scope`;
    const parts = slice.replace(/\.slice$/, '').split('-');
    const above = parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`);
    at = `/${slice === '' || slice === '-.slice' ? 'system.slice' : above.join('/')}/${unit}`;
  }
  const safe = /^\/[^\0\n]+$/.test(at) && !at.split('/').some((p) => p === '..' || p === '.');
  return safe ? at.replace(/\/+/g, '/').replace(/\/$/, '') : null;
}
