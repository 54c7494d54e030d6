/** Which keys a schema knows at a path: for what to say about one that it does not. */
import * as z from 'zod';
import type { JsonPath } from './place';

/** Without what only wraps a schema; a union as its options. */
function alternatives(schema: z.ZodType): z.ZodType[] {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault
  ) {
    return alternatives(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return alternatives(schema.in as z.ZodType);
  if (schema instanceof z.ZodUnion) return (schema.options as z.ZodType[]).flatMap(alternatives);
  return [schema];
}

function inside(schema: z.ZodType, step: PropertyKey): z.ZodType[] {
  if (schema instanceof z.ZodObject) {
    const { shape } = schema as { shape: Record<string, z.ZodType> };
    const field = Object.hasOwn(shape, step) ? shape[String(step)] : undefined;
    return field === undefined ? [] : [field];
  }
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.ZodType];
  if (schema instanceof z.ZodArray) return [schema.element as z.ZodType];
  return [];
}

/** The keys that an object at `path` may have, whichever option of a union it is. */
export function knownKeys(schema: z.ZodType, path: JsonPath): string[] {
  let here = alternatives(schema);
  for (const step of path) {
    here = here.flatMap((option) => inside(option, step)).flatMap(alternatives);
  }
  const keys = here.flatMap((option) =>
    option instanceof z.ZodObject ? Object.keys(option.shape as object) : [],
  );
  return [...new Set(keys)];
}
