/** The text of a config, and apps added to one that people have written. */
import { SysieveError } from '../errors';
import { endOf, locate } from '../json';
import { parseConfig } from './parse';
import type { App } from './schema';

/** Where an editor finds the schema once sysieve is among a repository's packages. */
const SCHEMA = './node_modules/sysieve/docs/schema/config.json';

type Apps = Readonly<Record<string, App>>;

export function configText(apps: Apps): string {
  return `${JSON.stringify({ $schema: SCHEMA, apps }, null, 2)}\n`;
}

/** Each line but the first, so much further in. */
function indented(text: string, by: string): string {
  return text.replaceAll('\n', `\n${by}`);
}

/**
 * The config with these apps behind its own; all else of its text stays as it is. Throws a
 * SysieveError for a text that is no config, and for a name that is taken.
 */
export function withApps(text: string, source: string, apps: Apps): string {
  const { apps: known } = parseConfig(text, source);
  const taken = Object.keys(apps).find((name) => Object.hasOwn(known, name));
  if (taken !== undefined) {
    throw new SysieveError('input', 'app-exists', `${source} has an app ${taken}`, {
      remedy: 'Remove it there first; or, of a container, give the new one a --name.',
    });
  }
  const end = endOf(text, ['apps']) - 1;
  const begin = locate(text, ['apps']);
  const line = text.slice(text.lastIndexOf('\n', begin) + 1, begin);
  const outer = /^[ \t]*/.exec(line)?.[0] ?? '';
  const step = outer === '' ? '  ' : outer;
  const added = Object.entries(apps).map(
    ([name, app]) =>
      `${outer}${step}${JSON.stringify(name)}: ${indented(JSON.stringify(app, null, step), outer + step)}`,
  );
  const before = text.slice(0, end).trimEnd();
  const comma = Object.keys(known).length === 0 ? '' : ',';
  return `${before}${comma}\n${added.join(',\n')}\n${outer}${text.slice(end)}`;
}
