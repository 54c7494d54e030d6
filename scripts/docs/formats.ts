/** docs/reference/formats.md: the fields of the files, from their JSON Schemas. */
import { configJsonSchema } from '../../src/config';
import { evidenceJsonSchema } from '../../src/profile';
import { reachJsonSchema } from '../../src/reach';
import { recordingJsonSchema } from '../../src/recording';
import { waiversJsonSchema } from '../../src/review/waivers';
import { type Field, fieldsOf, type Schema } from './fields';
import { code, MARK, table, text } from './reference';
import { ANYWHERE, WORDS } from './words';

interface Format {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly schema: () => object;
  /** Fields that are as in another, whose path begins so: not listed. */
  readonly like?: Readonly<Record<string, string>>;
}

const FORMATS: readonly Format[] = [
  {
    name: 'recording',
    title: 'Recording',
    about: 'What `sysieve record` writes: what was seen. One line a call.',
    schema: recordingJsonSchema,
    like: { 'runs[].calls[].denied.args.': '' },
  },
  {
    name: 'evidence',
    title: 'Evidence',
    about:
      'NAME.evidence.json beside a profile: why each call is in it. It has no counts and no times, so that ' +
      'making the profile again leaves it as it is.',
    schema: evidenceJsonSchema,
  },
  {
    name: 'reach',
    title: 'Reach',
    about:
      'NAME.reach.json beside a recording, by `sysieve reach -o` or `sysieve record --reach`: what the ' +
      'executables of the recording can call.',
    schema: reachJsonSchema,
  },
  {
    name: 'config',
    title: 'Configuration',
    about:
      'sysieve.config.json: the apps of a repository, for `sysieve profile` and `sysieve check`. Paths are ' +
      'relative to the file. Times are a number with its unit: 500ms, 30s, 5m, 1h.',
    schema: configJsonSchema,
    like: { 'apps.*.workload[].': 'apps.*.workload.' },
  },
  {
    name: 'waivers',
    title: 'Waivers',
    about:
      'sysieve.waivers.json: findings of `diff`, `lint`, `inspect` and `check` that were accepted.',
    schema: waiversJsonSchema,
  },
];

function wordsOf(format: string, { path, description }: Field): string {
  const words = description ?? WORDS[format]?.[path] ?? ANYWHERE[path];
  if (words !== undefined) return words;
  throw new Error(`scripts/docs/words.ts says nothing of ${path} of ${format}`);
}

function row(format: string, field: Field): string[] {
  const value = field.default === null ? '' : ` Default: ${code(field.default)}.`;
  const type = field.type.replaceAll('"', '');
  return [
    code(field.path),
    text(type),
    field.optional ? 'no' : 'yes',
    `${text(wordsOf(format, field))}${value}`.trim(),
  ];
}

/** Words of fields that are gone would stay for ever. */
function refuseStale(format: string, fields: readonly Field[]): void {
  const known = new Set(fields.filter((one) => one.description === null).map(({ path }) => path));
  const stale = Object.keys(WORDS[format] ?? {}).filter((path) => !known.has(path));
  if (stale.length === 0) return;
  throw new Error(
    `scripts/docs/words.ts: ${format} has no ${stale.join(', ')}, or says itself what it is`,
  );
}

export function formatsPage(): string {
  const parts = FORMATS.map(({ name, title, about, schema, like }) => {
    const all = fieldsOf(schema() as Schema);
    const listed = all.filter(
      ({ path }) => !Object.keys(like ?? {}).some((prefix) => path.startsWith(prefix)),
    );
    refuseStale(name, all);
    const rows = listed.map((field) => row(name, field));
    return `## ${title}\n\n${text(about)} \`sysieve schema ${name}\` prints the JSON Schema.\n\n${table(
      ['field', 'type', 'required', 'what it is'],
      rows,
    )}`;
  });
  return `${MARK}

# File formats

All files are JSON, read strictly: a key that is given twice or is unknown is refused, with its place.
\`[]\` stands for each element of an array, \`*\` for a name of your own. A profile is OCI's
\`linux.seccomp\`; \`sysieve schema profile\` prints what of it is read.

${parts.join('\n\n')}
`;
}
