/**
 * `sysieve.config.json`: the applications of a repository, how each is started, exercised and
 * profiled. The zod schema is the single source of truth; the JSON Schema that `sysieve schema
 * config` prints is generated from it. Data alone: nothing in it is evaluated, and paths are
 * relative to the file. What no schema can say is in consistency.ts.
 */
import * as z from 'zod';
import type { Versions } from '../json';
import { TARGETS } from '../lint/types';
import { REACHES, TIERS } from '../minimise/types';

const CONFIG_VERSION = 1;
/** People write it: only what a later sysieve reads in another way must say so. */
export const CONFIG_VERSIONS: Versions = { current: CONFIG_VERSION, unmarked: 1, migrations: {} };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** What holds where an app says nothing else. */
export const DEFAULTS = {
  engine: 'auto',
  under: 'default',
  readyTimeout: '60s',
  stepTimeout: '10m',
  stopTimeout: '10s',
  runs: 1,
  maxRuns: 5,
  maxTime: '30m',
  reach: 'report',
} as const;

/** What the kernel takes as one string: no NUL in it. */
const string = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, 'expected no NUL character');
const Text = string(4096).min(1);
/** Program and arguments; no shell is involved unless it is named. */
const Words = z.array(string(65_536)).min(1).max(1024);
const InContainer = string(4096).regex(/^\//, 'expected an absolute path in the container');
const Env = z.record(
  z.string().regex(/^[^=\0]{1,4096}$/, 'expected a name without ='),
  string(65_536),
);

/** "500ms", "30s", "5m", "1h": milliseconds. */
export const DurationSchema = z
  .string()
  .regex(/^\d{1,6}(ms|s|m|h)$/, 'expected a duration such as 500ms, 30s, 5m or 1h')
  .meta({ description: 'A time: digits and ms, s, m or h.' });

const timeout = (fallback: string) =>
  DurationSchema.optional().meta({ description: 'How long at most.', default: fallback });

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
    .array(
      z
        .string()
        .regex(
          /^(?:\d{1,3}(?:\.\d{1,3}){3}:)?\d{1,5}:\d{1,5}(?:\/(?:tcp|udp))?$/,
          'expected [ADDRESS:]HOST:CONTAINER[/tcp|udp]',
        ),
    )
    .optional()
    .meta({ description: '[ADDRESS:]HOST:CONTAINER[/tcp|udp]' }),
  volumes: z
    .array(
      z.strictObject({
        source: Text.meta({
          description:
            'A path (with a slash in it, relative to this file) or the name of a volume.',
        }),
        target: InContainer,
        readOnly: z.boolean().optional().meta({ default: false }),
      }),
    )
    .optional()
    .meta({ description: 'Directories of the host and volumes, by their place in the container.' }),
  tmpfs: z
    .array(InContainer)
    .optional()
    .meta({ description: 'Paths in the container with an empty file system in memory.' }),
  env: Env.optional().meta({
    description: "Variables beyond the image's. This file is committed: no secrets.",
  }),
  user: Text.optional().meta({ description: "USER[:GROUP], where it is not the image's." }),
  workdir: InContainer.optional(),
  entrypoint: Words.optional().meta({ description: "Instead of the image's; no shell." }),
  hostname: Text.optional(),
  capAdd: z.array(Text).optional().meta({ description: 'Capabilities, such as NET_ADMIN.' }),
  capDrop: z.array(Text).optional().meta({ description: 'Capabilities, or ALL.' }),
  readOnly: z
    .boolean()
    .optional()
    .meta({ description: 'The root file system is not writable.', default: false }),
  noNewPrivileges: z
    .boolean()
    .optional()
    .meta({ description: 'No program gains rights by its execve.', default: false }),
  shmSize: z.number().int().positive().optional().meta({ description: 'Bytes of /dev/shm.' }),
  ulimits: z
    .record(Text, z.string().regex(/^\d+(:\d+)?$/, 'expected SOFT or SOFT:HARD'))
    .optional()
    .meta({ description: 'By name (nofile, nproc, …): SOFT or SOFT:HARD.' }),
  runtime: Text.optional().meta({ description: 'The OCI runtime, by the name the engine has.' }),
  cgroupParent: Text.optional(),
});
export type RunOptions = z.infer<typeof RunSchema>;

const Port = z.number().int().min(1).max(65_535);
const PORT_FORMS = 'expected a port, or "HOST:PORT"';
const READY_KINDS = 'expected one of tcp, http, log and command';

/** When the application is ready for its workload: one of four ways to tell. */
export const ReadySchema = z.union(
  [
    z.strictObject({
      tcp: z
        .union([Port, z.string().regex(/^[^\s:]+:\d{1,5}$/, PORT_FORMS)], {
          error: PORT_FORMS,
        })
        .meta({
          description: 'A port that takes connections; on 127.0.0.1 where no host is given.',
        }),
      timeout: timeout(DEFAULTS.readyTimeout),
    }),
    z.strictObject({
      http: z
        .url({ protocol: /^https?$/, error: 'expected a URL of http or https' })
        .meta({ description: 'A URL that answers a GET.' }),
      status: z.number().int().min(100).max(599).optional().meta({
        description: 'With this status; where not given, with any from 200 to 399.',
      }),
      timeout: timeout(DEFAULTS.readyTimeout),
    }),
    z.strictObject({
      log: Text.meta({ description: 'A text that one line of the output holds.' }),
      timeout: timeout(DEFAULTS.readyTimeout),
    }),
    z.strictObject({
      command: Words.meta({ description: 'Run again and again until it exits 0.' }),
      in: Where.optional().meta({ default: 'host' }),
      timeout: timeout(DEFAULTS.readyTimeout),
    }),
  ],
  { error: READY_KINDS },
);
export type Ready = z.infer<typeof ReadySchema>;

export const StepSchema = z.strictObject({
  command: Words.meta({ description: 'Program and arguments; must exit 0.' }),
  in: Where.optional().meta({
    description: 'host (the default) or container, by exec.',
    default: 'host',
  }),
  repeat: z.number().int().min(1).max(10_000).optional().meta({ default: 1 }),
  timeout: timeout(DEFAULTS.stepTimeout),
  env: Env.optional(),
});
export type Step = z.infer<typeof StepSchema>;

export const StableSchema = z.strictObject({
  runs: z.number().int().min(1).max(100).optional().meta({
    description: 'So many runs in a row with nothing new end the recording.',
    default: DEFAULTS.runs,
  }),
  quiet: DurationSchema.optional().meta({
    description: 'Each run drives the workload again until nothing new was seen for so long.',
  }),
  maxRuns: z.number().int().min(1).max(100).optional().meta({
    description: 'After so many it ends as it is, and says so.',
    default: DEFAULTS.maxRuns,
  }),
  maxTime: DurationSchema.optional().meta({
    description: 'The same for the time of all runs together.',
    default: DEFAULTS.maxTime,
  }),
});

export const MinimiseSchema = z.strictObject({
  args: z.enum(TIERS).optional().meta({
    description: 'Which calls get rules on their arguments, as minimise --args.',
  }),
  runtime: z.array(Text).optional().meta({ description: 'As --runtime: all, none, or names.' }),
  portable: z.boolean().optional().meta({
    description: 'As --portable: also the calls another libc, kernel or architecture makes.',
  }),
  reach: z
    .enum(REACHES)
    .optional()
    .meta({
      description:
        "Calls that no run made and the app's own files can make: none (nobody looks), report (told, and " +
        'kept in the evidence; the profile is the same), likely (those near its own code are permitted) ' +
        'or all.',
      default: DEFAULTS.reach,
    }),
  default: z.enum(['errno', 'log', 'kill']).optional().meta({
    description: 'What the profile answers calls that are not in it.',
  }),
  denyErrno: z.number().int().min(1).max(4095).optional().meta({
    description: 'The errno of that answer, by number.',
  }),
  allow: z.array(Text).optional().meta({
    description: "Calls of risk tier 1 or 2, or beyond the engine's default, that may enter.",
  }),
  without: z.array(Text).optional().meta({ description: 'Passes of minimise that are not run.' }),
});

export const AppSchema = z.strictObject({
  engine: z.enum(ENGINE_CHOICES).optional().meta({ default: DEFAULTS.engine }),
  image: Text.optional().meta({ description: 'An image that the engine has: none is pulled.' }),
  command: Words.optional().meta({
    description: "What the image runs instead of its own command; without image, the host's.",
  }),
  container: Text.optional().meta({
    description: 'An existing container, whose settings each new one is made with.',
  }),
  run: RunSchema.optional().meta({ description: 'How its containers are made.' }),
  under: z.enum(['default', 'allow-all']).optional().meta({
    description: "Recorded under the engine's default filter, or under none by name.",
    default: DEFAULTS.under,
  }),
  ready: ReadySchema.optional().meta({
    description: 'When it is ready for its workload; where not given, at once.',
  }),
  workload: z
    .union([StepSchema, z.array(StepSchema)], {
      error: 'expected an object with a command, or a list of such',
    })
    .optional()
    .meta({
      description: 'What it is put to, in order. Without any, an app runs to its own end.',
    }),
  stop: z
    .strictObject({
      signal: z
        .string()
        .regex(/^SIG[A-Z0-9+-]+$/, 'expected the name of a signal, such as SIGTERM')
        .optional()
        .meta({ description: "Where not given, the image's own, else SIGTERM." }),
      timeout: timeout(DEFAULTS.stopTimeout),
    })
    .optional(),
  stable: StableSchema.optional().meta({ description: 'When enough was recorded.' }),
  minimise: MinimiseSchema.optional(),
  profile: Text.regex(/\.json$/, 'expected a path that ends in .json')
    .optional()
    .meta({ description: 'profiles/NAME.json where not given.' }),
  targets: z
    .array(z.enum(TARGETS))
    .optional()
    .meta({ description: 'Who will load the profile: it is linted for each.' }),
});
export type App = z.infer<typeof AppSchema>;

/** The grammar of names: they become file names and parts of container names. */
export const AppName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_.-]{0,62}$/,
    'expected a name of at most 63 lower-case letters, digits, dots, hyphens and underscores',
  );

export const ConfigSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'For editors: where this schema is.' }),
  version: z
    .literal(CONFIG_VERSION)
    .optional()
    .meta({ description: 'Of this format. Where not given, 1.', default: 1 }),
  apps: z.record(AppName, AppSchema).meta({ description: 'By name.' }),
});
export type Config = z.infer<typeof ConfigSchema>;
