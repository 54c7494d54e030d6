/** The container that an app is run in, made of its entry in sysieve.config.json. */
import { isAbsolute, resolve } from 'node:path';
import { type ContainerSpec, PLAIN_CONTAINER, type SeccompChoice } from '../engines';
import { SysieveError } from '../errors';
import { serializeProfile } from '../profile';
import { ALLOW_ALL } from './allow-all';
import type { NamedApp, Under } from './types';

export function seccompOf(under: Under): SeccompChoice {
  switch (under.kind) {
    case 'engine-default':
      return { kind: 'engine-default' };
    case 'allow-all':
      return { kind: 'profile', text: serializeProfile(ALLOW_ALL) };
    case 'profile':
      return { kind: 'profile', text: serializeProfile(under.profile) };
  }
}

/** A path relative to the configuration; what has no slash is the name of a volume, as in Compose. */
function volumeSource(source: string, directory: string): string {
  return source.includes('/') && !isAbsolute(source) ? resolve(directory, source) : source;
}

function limitOf(text: string): { soft: number; hard: number } {
  const [soft = '', hard = soft] = text.split(':');
  return { soft: Number(soft), hard: Number(hard) };
}

function limitsOf(ulimits: Readonly<Record<string, string>>): ContainerSpec['ulimits'] {
  return Object.fromEntries(Object.entries(ulimits).map(([name, text]) => [name, limitOf(text)]));
}

export interface Made {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly under: Under;
}

/** `base`: the settings of the existing container that the app names; null: it names an image. */
export function containerSpec(
  { name, app, directory }: NamedApp,
  made: Made,
  base: ContainerSpec | null,
): ContainerSpec {
  const { run = {} } = app;
  const from = base ?? { ...PLAIN_CONTAINER, image: app.image ?? '' };
  if (from.image === '') {
    throw new SysieveError('input', 'app-without-image', `${name}: there is no image to run`, {
      remedy: 'Give the app an image or a container in sysieve.config.json.',
    });
  }
  return {
    ...from,
    name: made.name,
    labels: made.labels,
    seccomp: seccompOf(made.under),
    entrypoint: run.entrypoint ?? from.entrypoint,
    command: app.command ?? from.command,
    env: { ...from.env, ...run.env },
    network: run.network ?? from.network,
    ports: run.ports ?? from.ports,
    volumes:
      run.volumes?.map(({ source, target, readOnly }) => ({
        source: volumeSource(source, directory),
        target,
        readOnly: readOnly === true,
      })) ?? from.volumes,
    tmpfs: run.tmpfs ?? from.tmpfs,
    user: run.user ?? from.user,
    workdir: run.workdir ?? from.workdir,
    hostname: run.hostname ?? from.hostname,
    capAdd: run.capAdd ?? from.capAdd,
    capDrop: run.capDrop ?? from.capDrop,
    readOnlyRoot: run.readOnly ?? from.readOnlyRoot,
    noNewPrivileges: run.noNewPrivileges ?? from.noNewPrivileges,
    shmSize: run.shmSize ?? from.shmSize,
    ulimits: run.ulimits === undefined ? from.ulimits : limitsOf(run.ulimits),
    runtime: run.runtime ?? from.runtime,
    cgroupParent: run.cgroupParent ?? from.cgroupParent,
  };
}
