/** The fields of a JSON Schema, one after another, as a document lists them. */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly $ref?: string;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export interface Field {
  /** runs[].calls[].name; * stands for a key of any name. */
  readonly path: string;
  readonly type: string;
  readonly optional: boolean;
  readonly default: string | null;
  readonly description: string | null;
}

export function fieldsOf(root: Schema): Field[] {
  const found = new Map<string, Field>();

  const resolved = (schema: Schema): Schema => {
    const name = schema.$ref?.split('/').pop();
    const target = name === undefined ? undefined : (root.$defs ?? root.definitions)?.[name];
    return target === undefined ? schema : { ...target, ...schema };
  };
  const options = (schema: Schema): readonly Schema[] =>
    (schema.anyOf ?? schema.oneOf ?? [schema]).map(resolved);

  function typeOf(given: Schema): string {
    const schema = resolved(given);
    const both = schema.anyOf ?? schema.oneOf;
    if (both !== undefined) return [...new Set(both.map(typeOf))].join(' or ');
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(', ');
    if (schema.type === 'array') {
      return schema.items === undefined ? 'array' : `array of ${typeOf(schema.items)}`;
    }
    return [schema.type ?? 'any'].flat().join(' or ');
  }

  function walk(given: Schema, path: string): void {
    for (const schema of options(resolved(given))) {
      for (const [name, value] of Object.entries(schema.properties ?? {})) {
        add(value, path === '' ? name : `${path}.${name}`, !schema.required?.includes(name));
      }
      const others = schema.additionalProperties;
      if (typeof others === 'object') {
        if (path !== '') walkValue(others, `${path}.*`);
      }
      if (schema.items !== undefined) walk(schema.items, `${path}[]`);
    }
  }

  function walkValue(value: Schema, path: string): void {
    const deeper = options(resolved(value)).some(
      ({ type }) => type === 'object' || type === 'array',
    );
    if (deeper) walk(value, path);
  }

  function add(value: Schema, path: string, optional: boolean): void {
    const schema = resolved(value);
    if (found.has(path)) return;
    found.set(path, {
      path,
      type: typeOf(schema),
      optional,
      default: schema.default === undefined ? null : JSON.stringify(schema.default),
      description: schema.description ?? null,
    });
    walk(schema, path);
  }

  walk(root, '');
  return [...found.values()];
}
