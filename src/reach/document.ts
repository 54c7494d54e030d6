/**
 * NAME.reach.json beside a recording: what the executables that it saw, and the libraries with them,
 * can call. Made of the container's own files while these are there; from then on it needs none.
 */
import * as z from 'zod';
import { escapeUnsafeJson } from '../errors/text';
import { checkDocument, readDocument, upToDate, type Versions } from '../json';
import { ABIS } from '../tables';

export const REACH_VERSION = 1;

export const REACH_VERSIONS: Versions = { current: REACH_VERSION, migrations: {} };

const Path = z.string().max(4096);
const Index = z.number().int().nonnegative();
const STEPS = ['root', 'call', 'import', 'pointer', 'name'] as const;

const CallSchema = z.strictObject({
  abi: z.enum(ABIS),
  number: z.number().int().min(0).max(0xffffffff),
  /** null: no table names it. */
  name: z.string().max(64).nullable(),
  /** How far from the application's own code the easiest way to it leads. */
  cost: z.number().int().nonnegative().max(1_000_000),
  /** The easiest way: module (an index), function (a name, or +0xADDRESS), how one gets there. */
  chain: z.array(z.tuple([Index, z.string().max(512), z.enum(STEPS)])).max(4096),
});
export type ReachableCall = z.infer<typeof CallSchema>;

const ExecutableSchema = z.strictObject({
  /** As it was executed. Untrusted, as all names here. */
  path: Path,
  /** Where it is a script: who reads it. */
  interpreters: z.array(Path).max(8),
  modules: z
    .array(
      z.strictObject({
        path: Path,
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        /** Hexadecimal; '': none. */
        buildId: z.string().regex(/^[0-9a-f]{0,128}$/),
      }),
    )
    .max(1024),
  calls: z.array(CallSchema).max(4096),
  /** Functions with gates whose number is not known. */
  unresolved: z
    .array(z.strictObject({ module: Index, function: z.string().max(512), gates: Index }))
    .max(65536),
  /** What belongs to it and was not scanned, and why. */
  uncovered: z.array(z.strictObject({ path: Path, message: z.string().max(4096) })).max(4096),
});
export type ReachableExecutable = z.infer<typeof ExecutableSchema>;

export const ReachSchema = z.strictObject({
  version: z.literal(REACH_VERSION),
  executables: z.array(ExecutableSchema).max(100_000),
});
export type Reach = z.infer<typeof ReachSchema>;

export function parseReach(text: string, source: string): Reach {
  const document = readDocument('reach', text, source);
  return checkDocument(ReachSchema, upToDate(document, REACH_VERSIONS));
}

/** One line a call, so that two of them can be compared by eye. */
export function serializeReach({ executables }: Reach): string {
  const lines = (items: readonly unknown[], indent: string): string =>
    items.length === 0
      ? '[]'
      : `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`;
  const parts = executables.map(
    (one) =>
      `    {\n      "path": ${JSON.stringify(one.path)},\n` +
      `      "interpreters": ${JSON.stringify(one.interpreters)},\n` +
      `      "modules": ${lines(one.modules, '      ')},\n` +
      `      "calls": ${lines(one.calls, '      ')},\n` +
      `      "unresolved": ${lines(one.unresolved, '      ')},\n` +
      `      "uncovered": ${lines(one.uncovered, '      ')}\n    }`,
  );
  const body = parts.length === 0 ? '[]' : `[\n${parts.join(',\n')}\n  ]`;
  return escapeUnsafeJson(`{\n  "version": ${REACH_VERSION},\n  "executables": ${body}\n}\n`);
}

export function reachJsonSchema(): object {
  return { title: 'sysieve reach', ...z.toJSONSchema(ReachSchema, { io: 'input' }) };
}
