/** The config file of a repository, and the apps in it that a command is asked for. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Config, parseConfig, profileOf } from '../config';
import { SysieveError } from '../errors';
import { nearest } from '../errors/near';
import { readTextFile, sourceName } from '../io';
import type { NamedApp } from './types';

export const CONFIG_FILE = 'sysieve.config.json';

export interface ConfigFile {
  readonly config: Config;
  /** Absolute: what relative paths in the file start from. */
  readonly directory: string;
  /** As the user named it. */
  readonly path: string;
}

/** `path`: undefined is sysieve.config.json in the working directory; "-" is standard input. */
export async function readConfig(path: string | undefined): Promise<ConfigFile> {
  const file = path ?? CONFIG_FILE;
  let text: string;
  try {
    text = await readTextFile(file);
  } catch (thrown) {
    if (!(thrown instanceof SysieveError) || thrown.code !== 'file-missing') throw thrown;
    throw new SysieveError('input', 'config-missing', `there is no ${file}`, {
      remedy:
        "Write one with 'sysieve init', from a container or a Compose file, or give --config FILE.",
      ...(thrown.reason === undefined ? {} : { cause: thrown.reason }),
    });
  }
  const directory = file === '-' ? process.cwd() : dirname(resolve(file));
  return { config: parseConfig(text, sourceName(file)), directory, path: file };
}

/** The apps by these names, in the order of the file; none named: all of them. */
export function selectApps(file: ConfigFile, names: readonly string[]): NamedApp[] {
  const { config, directory } = file;
  const known = Object.keys(config.apps);
  const source = sourceName(file.path);
  if (known.length === 0) {
    throw new SysieveError('input', 'config-empty', `${source} has no apps`, {
      remedy: "Add one with 'sysieve init --add'.",
    });
  }
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw new SysieveError(
      'input',
      'app-unknown',
      `${source} has no app ${JSON.stringify(unknown)}`,
      {
        remedy:
          near.length > 0
            ? `Did you mean ${near.join(' or ')}?`
            : `Give one of ${known.join(', ')}.`,
      },
    );
  }
  return Object.entries(config.apps)
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([name, app]) => ({ name, app, directory }));
}

/** Absolute: a path of the file, which starts from its directory. */
export function resolvePath(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

/** Absolute: where the profile of an app is, or will be. */
export function profilePath({ name, app, directory }: NamedApp): string {
  return resolvePath(directory, profileOf(name, app));
}
