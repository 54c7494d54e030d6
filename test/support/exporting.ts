/** Exporting and importing in a test, without the command line. */
import {
  EXPORT_FORMATS,
  type Exported,
  type ExportOptions,
  type NamedProfile,
} from '../../src/export';
import { IMPORT_FORMATS, type Imported, type ImportOptions } from '../../src/import';
import { type Profile, parseProfile, serializeProfile } from '../../src/profile';

/** From the text of a file, or as its canonical text. */
export function named(from: string | Profile, name = 'app'): NamedProfile {
  const text = typeof from === 'string' ? from : serializeProfile(from);
  const source = `${name}.json`;
  return { name, source, text, profile: parseProfile(text, source) };
}

export async function exported(
  to: string,
  profiles: NamedProfile | readonly [NamedProfile, ...NamedProfile[]],
  options: ExportOptions = {},
): Promise<Exported> {
  const format = EXPORT_FORMATS.get(to);
  if (format === undefined) throw new Error(`no format ${to}`);
  const unread = Object.keys(options).filter((key) => !format.reads.some((read) => read === key));
  if (unread.length > 0) throw new Error(`--to ${to} does not read ${unread.join()}`);
  const emit = await format.load();
  return emit('name' in profiles ? [profiles] : profiles, options);
}

/** The data of the file whose name ends so. */
export function fileIn({ files }: Exported, ending: string): string {
  const found = files.filter(({ name }) => name.endsWith(ending));
  if (found.length !== 1) throw new Error(`${found.length} files end with ${ending}`);
  return String(found[0]?.data);
}

export async function imported(
  from: string,
  text: string,
  options: ImportOptions = {},
): Promise<Imported & { kind: 'profiles' }> {
  const format = IMPORT_FORMATS.get(from);
  if (format === undefined) throw new Error(`no format ${from}`);
  const read = await format.load();
  const made = await read([{ source: 'given', text }], options);
  if (made.kind !== 'profiles') throw new Error(`--from ${from} made a ${made.kind}`);
  return made;
}

export async function importedProfile(
  from: string,
  text: string,
  options: ImportOptions = {},
): Promise<Profile> {
  const { profiles } = await imported(from, text, options);
  const [only] = profiles;
  if (only === undefined || profiles.length > 1) throw new Error(`${profiles.length} profiles`);
  return only.profile;
}
