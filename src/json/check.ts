/**
 * zod, for documents of any size. zod collects every issue of a document: a million wrong values
 * would take gigabytes, and some of its steps fail on arrays that long. So what is large is taken
 * apart along the schema, and its parts are checked one by one until one of them is wrong.
 */
import * as z from 'zod';
import type { Issue } from './errors';

/** Documents of fewer values go to zod whole. */
const WHOLE = 5000;

/** Whether a value holds more than `limit` values; stops counting there. */
function isLarge(value: unknown, limit: number): boolean {
  let left = limit;
  const visit = (node: unknown): boolean => {
    left -= 1;
    if (left < 0) return true;
    if (typeof node !== 'object' || node === null) return false;
    // for…in: Object.values of a large object would copy it first.
    if (Array.isArray(node)) return node.length > left || node.some(visit);
    for (const key in node) if (visit((node as Record<string, unknown>)[key])) return true;
    return false;
  };
  return visit(value);
}

export type Checked<T> = { ok: true; data: T } | { ok: false; issues: readonly Issue[] };

function at<T>(step: PropertyKey, result: Checked<T>): Checked<T> {
  if (result.ok) return result;
  const issues = result.issues.map((issue) => ({ ...issue, path: [step, ...issue.path] }));
  return { ok: false, issues };
}

function whole(schema: z.ZodType, value: unknown): Checked<unknown> {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, data: result.data };
  return { ok: false, issues: result.error.issues };
}

const ANYTHING = z.unknown();

function parts(
  entries: Iterable<readonly [step: PropertyKey, schema: z.ZodType, value: unknown]>,
  keep: (step: PropertyKey, data: unknown) => void,
): Checked<unknown> | null {
  for (const [step, schema, value] of entries) {
    const result = at(step, check(schema, value));
    if (!result.ok) return result;
    if (result.data !== undefined) keep(step, result.data);
  }
  return null;
}

function checkArray(schema: z.ZodArray, value: unknown[]): Checked<unknown> {
  // The array's own checks, such as its length.
  const shell = whole(schema.clone({ ...schema.def, element: ANYTHING }), value);
  if (!shell.ok) return shell;
  const element = schema.element as z.ZodType;
  const data: unknown[] = [];
  const items = function* () {
    for (let index = 0; index < value.length; index += 1) {
      yield [index, element, value[index]] as const;
    }
  };
  return parts(items(), (_step, item) => data.push(item)) ?? { ok: true, data };
}

function checkObject(schema: z.ZodObject, value: Record<string, unknown>): Checked<unknown> {
  const { shape } = schema;
  const open = schema.def.catchall !== undefined && !(schema.def.catchall instanceof z.ZodNever);
  for (const key in value) {
    if (open || Object.hasOwn(shape, key)) continue;
    const message = `Unrecognized key: ${key}`;
    return { ok: false, issues: [{ path: [], code: 'unrecognized_keys', keys: [key], message }] };
  }
  const data: Record<string, unknown> = {};
  const fields = Object.keys(shape).map(
    (key) => [key, shape[key] as z.ZodType, value[key]] as const,
  );
  return (
    parts(fields, (key, field) => {
      data[key as string] = field;
    }) ?? { ok: true, data }
  );
}

function checkRecord(schema: z.ZodRecord, value: Record<string, unknown>): Checked<unknown> {
  const keys = schema.keyType as unknown as z.ZodType;
  const values = schema.valueType as z.ZodType;
  const data: Record<string, unknown> = {};
  const entries = function* () {
    for (const key in value) yield [key, values, value[key]] as const;
  };
  for (const key in value) {
    const result = at(key, whole(keys, key));
    if (!result.ok) return result;
  }
  return (
    parts(entries(), (key, entry) => {
      data[key as string] = entry;
    }) ?? { ok: true, data }
  );
}

function checkPipe(schema: z.ZodPipe, value: unknown): Checked<unknown> {
  const first = check(schema.in as z.ZodType, value);
  return first.ok ? check(schema.out as z.ZodType, first.data) : first;
}

/** Refinements of the value as a whole, once its parts are known to be right. */
function refined(schema: z.ZodType, value: unknown, parts: Checked<unknown>): Checked<unknown> {
  const checks = (schema.def as { checks?: readonly unknown[] }).checks ?? [];
  return parts.ok && checks.length > 0 ? whole(schema, value) : parts;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodDefault
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/**
 * What schema.safeParse does, except that in a large value the issues after the first wrong part
 * are not looked for. Strict objects, arrays, records and pipes are taken apart; anything else is
 * checked whole.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const inner = unwrapped(schema);
  let result: Checked<unknown> | undefined;
  if (isLarge(value, WHOLE)) {
    if (inner instanceof z.ZodPipe) result = checkPipe(inner, value);
    else if (inner instanceof z.ZodArray && Array.isArray(value)) result = checkArray(inner, value);
    else if (inner instanceof z.ZodObject && isPlainObject(value))
      result = refined(inner, value, checkObject(inner, value));
    else if (inner instanceof z.ZodRecord && isPlainObject(value))
      result = refined(inner, value, checkRecord(inner, value));
  }
  return (result ?? whole(schema, value)) as Checked<T>;
}
