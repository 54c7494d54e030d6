/**
 * `sysieve.config.json`: the applications of a repository, how each is started, exercised and
 * profiled. The zod schema is the single source of truth; the JSON Schema that `sysieve schema
 * config` prints is generated from it. Data alone: nothing in it is evaluated, and paths are
 * relative to the file.
 */
import * as z from 'zod';
import { TARGETS } from '../lint/types';
import { TIERS } from '../minimise/types';

const Text = z.string().min(1).max(4096);
/** Program and arguments; no shell is involved unless it is named. */
const Words = z.array(z.string().max(65_536)).min(1).max(1024);

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "500ms", "30s", "5m", "1h": milliseconds. */
export const DurationSchema = z
  .string()
  .regex(/^\d{1,6}(ms|s|m|h)$/, 'A duration such as 500ms, 30s, 5m or 1h.')
  .meta({ description: 'A time: digits and ms, s, m or h.' });

/** What DurationSchema took, in ms. */
export function milliseconds(duration: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(duration);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN);
}

export const ENGINE_CHOICES = ['auto', 'docker', 'podman'] as const;

const Where = z.enum(['host', 'container']);

/** What `docker create` and `podman create` take, by the names that Compose has for it. */
export const RunSchema = z.strictObject({
  network: Text.optional().meta({ description: 'none, host, or a network of the engine.' }),
  ports: z
    .array(z.string().regex(/^(?:\d{1,3}(?:\.\d{1,3}){3}:)?\d{1,5}:\d{1,5}(?:\/(?:tcp|udp))?$/))
    .optional()
    .meta({ description: '[ADDRESS:]HOST:CONTAINER[/tcp|udp]' }),
  volumes: z
    .array(
      z.strictObject({
        source: Text.meta({ description: 'A path, relative to this file, or a volume name.' }),
        target: z.string().startsWith('/').max(4096),
        readOnly: z.boolean().optional(),
      }),
    )
    .optional(),
  tmpfs: z.array(z.string().startsWith('/').max(4096)).optional(),
  env: z.record(Text, z.string().max(65_536)).optional(),
  user: Text.optional(),
  workdir: z.string().startsWith('/').max(4096).optional(),
  entrypoint: Words.optional(),
  hostname: Text.optional(),
  capAdd: z.array(Text).optional(),
  capDrop: z.array(Text).optional(),
  readOnly: z.boolean().optional().meta({ description: 'The root file system is not writable.' }),
  noNewPrivileges: z.boolean().optional(),
  shmSize: z.number().int().positive().optional().meta({ description: 'Bytes of /dev/shm.' }),
  ulimits: z.record(Text, z.string().regex(/^\d+(:\d+)?$/)).optional(),
  runtime: Text.optional().meta({ description: 'The OCI runtime, by the name the engine has.' }),
  cgroupParent: Text.optional(),
});
export type RunOptions = z.infer<typeof RunSchema>;

/** When the application is ready for its workload; the first that is given. */
export const ReadySchema = z.union([
  z.strictObject({
    tcp: z.union([z.number().int().min(1).max(65_535), z.string().regex(/^[^\s:]+:\d{1,5}$/)]),
    timeout: DurationSchema.optional(),
  }),
  z.strictObject({
    http: z.url({ protocol: /^https?$/ }),
    status: z.number().int().min(100).max(599).optional(),
    timeout: DurationSchema.optional(),
  }),
  z.strictObject({
    log: Text.meta({ description: 'A text that one line of the output holds.' }),
    timeout: DurationSchema.optional(),
  }),
  z.strictObject({
    command: Words.meta({ description: 'Run again and again until it exits 0.' }),
    in: Where.optional(),
    timeout: DurationSchema.optional(),
  }),
]);
export type Ready = z.infer<typeof ReadySchema>;

export const StepSchema = z.strictObject({
  command: Words,
  in: Where.optional().meta({ description: 'host (the default) or container, by exec.' }),
  repeat: z.number().int().min(1).max(10_000).optional(),
  timeout: DurationSchema.optional(),
  env: z.record(Text, z.string().max(65_536)).optional(),
});
export type Step = z.infer<typeof StepSchema>;

export const StableSchema = z.strictObject({
  runs: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'So many runs in a row with nothing new end the recording (1).' }),
  quiet: DurationSchema.optional().meta({
    description: 'Each run drives the workload again until nothing new was seen for so long.',
  }),
  maxRuns: z.number().int().min(1).max(100).optional().meta({ description: '5 where not given.' }),
  maxTime: DurationSchema.optional(),
});

export const MinimiseSchema = z.strictObject({
  args: z.enum(TIERS).optional(),
  runtime: z.array(Text).optional().meta({ description: 'As --runtime: all, none, or names.' }),
  portable: z.boolean().optional(),
  default: z.enum(['errno', 'log', 'kill']).optional(),
  denyErrno: z.number().int().min(1).max(4095).optional(),
  allow: z.array(Text).optional(),
  without: z.array(Text).optional(),
});

export const AppSchema = z
  .strictObject({
    engine: z.enum(ENGINE_CHOICES).optional(),
    image: Text.optional(),
    command: Words.optional().meta({
      description: "What the image runs instead of its own command; without image, the host's.",
    }),
    container: Text.optional().meta({
      description: 'An existing container, whose settings each new one is made with.',
    }),
    run: RunSchema.optional(),
    under: z.enum(['default', 'allow-all']).optional().meta({
      description: "Recorded under the engine's default filter, or under none by name.",
    }),
    ready: ReadySchema.optional(),
    workload: z.union([StepSchema, z.array(StepSchema)]).optional(),
    stop: z
      .strictObject({
        signal: z
          .string()
          .regex(/^SIG[A-Z0-9+-]+$/)
          .optional(),
        timeout: DurationSchema.optional(),
      })
      .optional(),
    stable: StableSchema.optional(),
    minimise: MinimiseSchema.optional(),
    profile: Text.optional().meta({ description: 'profiles/NAME.json where not given.' }),
    targets: z
      .array(z.enum(TARGETS))
      .optional()
      .meta({ description: 'Who will load the profile: it is linted for each.' }),
  })
  .refine((app) => app.image === undefined || app.container === undefined, {
    error: 'image and container exclude each other.',
  })
  .refine(
    (app) => app.image !== undefined || app.container !== undefined || app.command !== undefined,
    {
      error: 'An app needs image, container or command.',
    },
  );
export type App = z.infer<typeof AppSchema>;

/** The grammar of names: they become file names and parts of container names. */
export const AppName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  apps: z.record(AppName, AppSchema),
});
export type Config = z.infer<typeof ConfigSchema>;
