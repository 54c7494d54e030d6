/**
 * Services of a Compose file (compose-spec) to apps of a config. Nothing is executed, built or pulled.
 * What has no counterpart is named with its line, whether it matters or not: only a reader can tell.
 */
import { posix } from 'node:path';
import { type App, looksSecret, type RunOptions } from '../config';
import { SysieveError } from '../errors';
import { type JsonDocument, type JsonPath, locate, place } from '../json';
import * as fields from './compose-fields';
import { interpolate, type Variables } from './interpolate';
import { readYaml } from './yaml';

export interface ComposeOptions {
  /** Of the environment, or the .env file. */
  readonly variable: (name: string) => string | undefined;
  /** From the config's directory to that of the Compose file; '' where they are one. */
  readonly base: string;
}

export interface ComposeApps {
  readonly apps: Readonly<Record<string, App>>;
  /** What was guessed or left out, with its place. */
  readonly notes: readonly string[];
}

const REMEDY = '`docker compose config > FILE` writes it without anchors, aliases and merges.';

/** They say nothing about what the application calls. */
const SILENT: ReadonlySet<string> = new Set(['version', 'name', 'services', 'volumes']);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Importer {
  readonly notes: string[] = [];
  readonly apps: Record<string, App> = {};

  constructor(
    private readonly document: JsonDocument,
    private readonly options: ComposeOptions,
  ) {}

  note(path: JsonPath, says: string): void {
    const { finder, text, source } = this.document;
    const offset = finder === undefined ? locate(text, path) : finder.find(path).key;
    this.notes.push(`${place(source, text, offset)}: ${says}`);
  }

  /** The value with its variables filled in. */
  filled(value: unknown, path: JsonPath): unknown {
    if (typeof value === 'string') {
      const variables: Variables = {
        get: this.options.variable,
        onMissing: (name, says) => {
          const why = says === null || says === '' ? '' : ` (${says})`;
          this.note(path, `${name} is not set, and is taken as empty${why}`);
        },
      };
      return interpolate(value, variables);
    }
    if (Array.isArray(value)) return value.map((item, at) => this.filled(item, [...path, at]));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.filled(item, [...path, key])]),
    );
  }

  run(): void {
    const { value, source } = this.document;
    if (!isObject(value) || !isObject(value.services)) {
      throw new SysieveError('input', 'compose-schema', `${source}:1:1: expected services`, {
        remedy: 'Give a Compose file: an object with services.',
      });
    }
    for (const key of Object.keys(value)) {
      if (!SILENT.has(key) && !key.startsWith('x-')) this.note([key], `${key} is not taken over`);
    }
    for (const [name, service] of Object.entries(value.services)) {
      const path = ['services', name];
      if (isObject(service)) this.service(name, service, path);
      else this.note(path, `${name} is no service, and is left out`);
    }
  }

  private service(name: string, raw: Record<string, unknown>, path: string[]): void {
    const service = new Service(this, raw, path, this.options);
    const app = service.app();
    if (app === null) return;
    const known = name.toLowerCase().replace(/[^a-z0-9_.-]/g, '-');
    if (known !== name) this.note(path, `${name} becomes the app ${known}`);
    if (Object.hasOwn(this.apps, known)) this.note(path, `there is another ${known}: left out`);
    else this.apps[known] = app;
  }
}

class Service {
  private readonly taken = new Set<string>();

  constructor(
    private readonly importer: Importer,
    private readonly raw: Record<string, unknown>,
    private readonly path: readonly string[],
    private readonly options: ComposeOptions,
  ) {}

  /** What `read` makes of a key; undefined: it is not there, or says nothing. */
  private take<T>(key: string, read: (value: unknown, tell: fields.Tell) => T): T | undefined {
    this.taken.add(key);
    if (!Object.hasOwn(this.raw, key)) return undefined;
    const path = [...this.path, key];
    const tell = (says: string) => this.importer.note(path, `${key}: ${says}`);
    return read(this.importer.filled(this.raw[key], path), tell);
  }

  private text(key: string): string | undefined {
    return this.take(key, (value, tell) => {
      const text = fields.scalar(value);
      if (text === null) tell('expected a text');
      return text === null || text === '' ? undefined : text;
    });
  }

  private each<T>(
    key: string,
    read: (value: unknown, tell: fields.Tell) => T | null,
  ): T[] | undefined {
    this.taken.add(key);
    const list = this.raw[key];
    if (list === undefined || list === null) return undefined;
    if (!Array.isArray(list)) {
      this.importer.note([...this.path, key], `${key} is not taken over: expected a list`);
      return undefined;
    }
    const made = list.flatMap((item, at) => {
      const path = [...this.path, key, at] as string[];
      const tell = (says: string) => this.importer.note(path, `${key}: ${says}`);
      return read(this.importer.filled(item, path), tell) ?? [];
    });
    return made.length === 0 ? undefined : (made as T[]);
  }

  /** null: it has no image. */
  app(): App | null {
    const [name = ''] = this.path.slice(-1);
    const image = this.text('image');
    const build = this.take('build', () => true);
    if (image === undefined) {
      const says = build
        ? 'is built and its image has no name: give it one (image), build it, and import again'
        : 'has no image';
      this.importer.note(this.path, `${name} ${says}; it is left out`);
      return null;
    }
    if (build)
      this.importer.note([...this.path, 'build'], `build ${image} first: nothing is built here`);
    const command = this.take('command', fields.words);
    const run = this.run();
    const ready = this.ready(run);
    const stop = {
      signal: this.signal(),
      timeout: this.take('stop_grace_period', fields.duration),
    };
    this.rest();
    return compact({
      image,
      command: command?.length === 0 ? undefined : command,
      run: compact(run),
      ready,
      stop: compact(stop),
    }) as App;
  }

  private signal(): string | undefined {
    const signal = this.text('stop_signal');
    return signal === undefined || signal.startsWith('SIG') ? signal : `SIG${signal}`;
  }

  private run(): RunOptions {
    const volumes = this.each('volumes', fields.volume) ?? [];
    const inMemory = volumes.flatMap(({ source, target }) => (source === null ? [target] : []));
    const tmpfs = [...(this.take('tmpfs', fields.texts) ?? []), ...inMemory];
    const mounts = volumes.flatMap((one) =>
      one.source === null ? [] : [{ ...one, source: this.source(one.source) }],
    );
    return {
      network: this.network(),
      ports: this.each('ports', fields.port),
      volumes: mounts.length === 0 ? undefined : mounts,
      tmpfs: tmpfs.length === 0 ? undefined : tmpfs,
      env: this.env(),
      user: this.text('user'),
      workdir: this.text('working_dir'),
      entrypoint: this.take('entrypoint', fields.words),
      hostname: this.text('hostname'),
      capAdd: this.take('cap_add', fields.texts),
      capDrop: this.take('cap_drop', fields.texts),
      readOnly: this.take('read_only', fields.bool),
      noNewPrivileges: this.security(),
      shmSize: this.take('shm_size', fields.bytes),
      ulimits: this.take('ulimits', fields.ulimits),
      runtime: this.text('runtime'),
      cgroupParent: this.text('cgroup_parent'),
    } as RunOptions;
  }

  /** A path of the Compose file's directory, seen from the config's; a name stays one. */
  private source(source: string): string {
    if (!/^\.{1,2}(?:\/|$)/.test(source)) return source;
    const path = posix.join(this.options.base, source);
    return path.startsWith('..') ? path : `./${path.replace(/^\.\//, '')}`;
  }

  private network(): string | undefined {
    const mode = this.text('network_mode');
    if (mode === undefined || !/^(?:service|container):/.test(mode)) return mode;
    this.importer.note(
      [...this.path, 'network_mode'],
      `network_mode: ${mode} is not taken over: the network of another container`,
    );
    return undefined;
  }

  private security(): boolean | undefined {
    const options = this.each('security_opt', (value, tell) => {
      const text = fields.scalar(value) ?? '';
      if (/^no-new-privileges(?:[=:]true)?$/.test(text)) return true;
      tell(
        `${text} is not taken over${/^seccomp/.test(text) ? ': sysieve chooses the filter' : ''}`,
      );
      return null;
    });
    return options === undefined ? undefined : true;
  }

  private env(): Record<string, string> | undefined {
    const entries =
      this.take('environment', (value, tell) => fields.environment(value, tell)) ?? [];
    const env: Record<string, string> = {};
    for (const [name, written] of entries) {
      const value = written ?? this.options.variable(name);
      const path = [...this.path, 'environment', name];
      if (value === undefined) {
        this.importer.note(path, `environment: ${name} is not set here, and is left out`);
      } else if (looksSecret(name, value)) {
        this.importer.note(
          path,
          `environment: the value of ${name} looks like a secret and is left out: give one for ` +
            'staging in run.env',
        );
      } else env[name] = value;
    }
    return Object.keys(env).length === 0 ? undefined : env;
  }

  private ready(run: RunOptions): App['ready'] {
    const command = this.take('healthcheck', fields.healthcheck);
    if (command !== undefined && command !== null) return { command, in: 'container' };
    const published = run.ports?.find((port) => !port.endsWith('/udp'));
    const host = /(?:^|:)(\d+):\d+(?:\/tcp)?$/.exec(published ?? '')?.[1];
    if (host === undefined) return undefined;
    this.importer.note(
      [...this.path, 'ports'],
      `guessed: it is ready when port ${host} takes connections`,
    );
    return { tcp: Number(host) };
  }

  private rest(): void {
    for (const key of Object.keys(this.raw)) {
      if (this.taken.has(key)) continue;
      const matters = key === 'privileged' && this.raw[key] === true;
      const why = matters ? ': what it may do as a privileged container is not recorded' : '';
      this.importer.note([...this.path, key], `${key} is not taken over${why}`);
    }
  }
}

/** Without what is not there; undefined: nothing is. */
function compact<T extends object>(value: T): T | undefined {
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as T);
}

/** Throws a SysieveError with a place for what is no Compose file. */
export async function readCompose(
  text: string,
  source: string,
  options: ComposeOptions,
): Promise<ComposeApps> {
  const document = await readYaml(text, source, { what: 'compose', lenient: true, remedy: REMEDY });
  const importer = new Importer(document, options);
  importer.run();
  return { apps: importer.apps, notes: importer.notes };
}
