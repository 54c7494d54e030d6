/** Runtime baselines: the calls a runtime makes between filter and entrypoint, as measured. */
import * as z from 'zod';
import { SysieveError } from '../errors';
import { checkDocument, readDocument, upToDate, type Versions } from '../json';
import { ABIS } from '../tables';

const BASELINE_VERSION = 1;
export const BASELINE_VERSIONS: Versions = { current: BASELINE_VERSION, migrations: {} };

export const BaselineSchema = z.strictObject({
  version: z.literal(BASELINE_VERSION),
  runtime: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/),
  runtimeVersion: z.string().min(1).max(128),
  conditions: z
    .array(
      z.strictObject({
        start: z.enum(['create', 'exec']),
        tty: z.boolean(),
        user: z.boolean(),
        noNewPrivileges: z.boolean(),
        /** How many starts the calls were collected from. */
        starts: z.number().int().positive(),
        calls: z.array(
          z.strictObject({
            abi: z.enum(ABIS),
            name: z.string().regex(/^[a-z_][a-z0-9_]{0,63}$/),
            /** The tracked arguments, in the order and masks of the tables; absent: any. */
            tuples: z
              .array(z.array(z.string().regex(/^0x(0|[1-9a-f][0-9a-f]{0,15})$/)).max(6))
              .max(1000)
              .optional(),
          }),
        ),
      }),
    )
    .min(1),
});
export type Baseline = z.infer<typeof BaselineSchema>;

export function parseBaseline(text: string, source: string): Baseline {
  const document = readDocument('baseline', text, source);
  const instead = ', or measure the runtime again with this one';
  return checkDocument(BaselineSchema, upToDate(document, BASELINE_VERSIONS, instead));
}

export function baselineJsonSchema(): object {
  return { title: 'sysieve runtime baseline', ...z.toJSONSchema(BaselineSchema) };
}

/** 'all': the union of every baseline; 'none': no baseline; else names such as runc or runc@1.1.5. */
export type RuntimeChoice = 'all' | 'none' | readonly string[];

export function baselineId(baseline: Baseline): string {
  return `${baseline.runtime}@${baseline.runtimeVersion}`;
}

/** The baselines a choice names. A choice that names none of them is an error, never an empty set. */
export function selectBaselines(
  baselines: readonly Baseline[],
  choice: RuntimeChoice,
): readonly Baseline[] {
  if (choice === 'none') return [];
  if (baselines.length === 0) {
    throw new SysieveError('system', 'baseline-missing', 'no runtime baseline is installed', {
      remedy:
        'Measure one into profiles/baselines, or say --runtime none: the profile then permits ' +
        'of the runtime only what the recordings show.',
    });
  }
  if (choice === 'all') return baselines;
  const chosen = new Set<Baseline>();
  for (const selector of choice) {
    const found = baselines.filter(
      (baseline) => selector === baseline.runtime || selector === baselineId(baseline),
    );
    if (found.length === 0) {
      throw new SysieveError('usage', 'runtime-unknown', `no baseline for runtime ${selector}`, {
        remedy: `Give one of ${baselines.map(baselineId).sort().join(', ')}.`,
      });
    }
    for (const baseline of found) chosen.add(baseline);
  }
  return [...chosen];
}
