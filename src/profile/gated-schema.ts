/**
 * The profile formats of Docker (moby/profiles, seccomp.go) and Podman (containers/common,
 * pkg/seccomp/types.go): OCI's with rules that hold under conditions, and architectures that bring
 * others along. One reading for both, as files travel between the engines; which fields an engine
 * looks at is resolve.ts's to know. Stricter than the engines, which skip a field they do not know.
 */
import * as z from 'zod';
import { errnoNumber, OCI_ARCHES } from '../tables';
import { Action, ConditionSchema, Flag, text, U32 } from './schema';

const MIN_KERNEL = 'expected a kernel as "VERSION.MAJOR", each below 256, for example "4.8"';

/** [version, major revision]; the empty string is 0.0, which every kernel reaches. */
const MinKernel = z
  .string()
  .refine(
    (text) => {
      if (text === '') return true;
      const parts = /^(\d{1,9})\.(\d{1,9})$/.exec(text)?.slice(1).map(Number);
      return parts?.every((part) => part < 256) === true && parts.some((part) => part > 0);
    },
    { error: MIN_KERNEL },
  )
  .transform((text): readonly [number, number] => {
    const [version = 0, major = 0] = text.split('.').map(Number);
    return [version, major];
  });

const word = text(256).min(1);

/** Engines write `null` for what is not there. */
function orNull<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === null ? undefined : value), schema);
}

const GateSchema = orNull(
  z
    .strictObject({
      /** As in a container's configuration, e.g. CAP_SYS_ADMIN. */
      caps: orNull(z.array(word).max(1000).default([])),
      /** libseccomp's names: amd64, x86, x32, arm64, arm, … */
      arches: orNull(z.array(word).max(1000).default([])),
      /** Docker's. */
      minKernel: orNull(MinKernel.optional()),
    })
    .default({ caps: [], arches: [], minKernel: undefined }),
);

const Errno = z
  .string()
  .refine(
    (text) =>
      text === '' ||
      errnoNumber(text) !== null ||
      (/^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff),
    { error: 'expected the name of an errno, for example "EPERM", or its number in quotes' },
  );

const GatedRuleSchema = z
  .strictObject({
    /** Old files name one call here. */
    name: orNull(text(256).optional()),
    names: orNull(z.array(word).default([])),
    action: Action,
    errnoRet: orNull(U32.optional()),
    /** Podman's; wins over errnoRet. */
    errno: orNull(Errno.optional()),
    args: orNull(z.array(ConditionSchema).default([])),
    comment: orNull(z.string().optional()),
    includes: GateSchema,
    excludes: GateSchema,
  })
  .refine(({ name, names }) => !name || names.length === 0, {
    path: ['names'],
    error: 'expected "name" or "names", not both',
  })
  .transform(({ name, comment: _, ...rule }) => (name ? { ...rule, names: [name] } : rule))
  .refine(({ names }) => names.length > 0, {
    path: ['names'],
    error: 'expected at least one name',
  });

const Arch = z.enum(OCI_ARCHES);

export const GatedProfileSchema = z
  .strictObject({
    defaultAction: Action,
    defaultErrnoRet: orNull(U32.optional()),
    /** Podman's; wins over defaultErrnoRet. */
    defaultErrno: orNull(Errno.optional()),
    architectures: orNull(z.array(Arch).default([])),
    archMap: orNull(
      z
        .array(
          z.strictObject({
            architecture: Arch,
            subArchitectures: orNull(z.array(Arch).default([])),
          }),
        )
        .default([]),
    ),
    flags: orNull(z.array(Flag).default([])),
    listenerPath: orNull(text(4096).default('')),
    listenerMetadata: orNull(text(65536).default('')),
    syscalls: orNull(z.array(GatedRuleSchema).max(100_000).default([])),
  })
  .refine(({ architectures, archMap }) => architectures.length === 0 || archMap.length === 0, {
    path: ['archMap'],
    error: 'expected "architectures" or "archMap", not both',
  });

/** What is absent, null or empty in the file is an empty list or undefined here. */
export type GatedProfile = z.infer<typeof GatedProfileSchema>;
export type GatedRule = GatedProfile['syscalls'][number];
export type Gate = GatedRule['includes'];
