/**
 * Profiles out of Ignition's configurations (coreos/ignition config/v3_*), alone or in an OpenShift
 * MachineConfig. Only what is in the file: nothing is fetched.
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { checkDocument, type JsonDocument, type JsonPath } from '../json';
import { readObject, refusal } from './object';
import { type ContainedFile, placedProfiles } from './placed';
import type { Importer } from './types';

/** Bytes of a profile once decompressed: a small file can hold a very large one. */
const CONTENTS_LIMIT = 16 * 1024 * 1024;

const Text = z.string().nullish();

const ResourceSchema = z.looseObject({
  source: Text,
  compression: Text,
  verification: z.looseObject({ hash: Text }).nullish(),
});
type Resource = z.infer<typeof ResourceSchema>;

const FileSchema = z.looseObject({
  path: z.string().min(1).max(4096),
  contents: ResourceSchema.nullish(),
  append: z.array(z.unknown()).nullish(),
});

const ConfigSchema = z.looseObject({
  ignition: z.looseObject({ version: z.string().regex(/^3\.\d{1,3}\.\d{1,3}(?:-experimental)?$/) }),
  storage: z.looseObject({ files: z.array(FileSchema).max(100_000).nullish() }).nullish(),
});
type Config = z.infer<typeof ConfigSchema>;

const MachineConfigSchema = z.looseObject({
  apiVersion: z.literal('machineconfiguration.openshift.io/v1'),
  kind: z.literal('MachineConfig'),
  spec: z.looseObject({ config: ConfigSchema }),
});

const DATA_URL = /^data:([^,]*?)(;base64)?,(.*)$/s;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function dataOf(document: JsonDocument, path: JsonPath, source: string): Buffer {
  const [, , base64, data = ''] = DATA_URL.exec(source) ?? [];
  if (!DATA_URL.test(source)) {
    throw refusal(
      document,
      path,
      'the contents lie elsewhere, and nothing is fetched',
      'Give a configuration with the contents in data URLs.',
    );
  }
  let plain: string;
  try {
    plain = decodeURIComponent(data);
  } catch {
    throw refusal(
      document,
      path,
      'not a data URL: a % without two digits of hexadecimal behind it',
    );
  }
  if (base64 === undefined) return Buffer.from(plain, 'utf8');
  if (!BASE64.test(plain)) throw refusal(document, path, 'not base64');
  return Buffer.from(plain, 'base64');
}

function verify(document: JsonDocument, path: JsonPath, hash: string, bytes: Buffer): void {
  const [, kind, digest] = /^(sha512|sha256)-([0-9a-f]+)$/.exec(hash) ?? [];
  if (kind === undefined) throw refusal(document, path, 'expected sha512- or sha256- and a digest');
  if (createHash(kind).update(bytes).digest('hex') === digest) return;
  throw refusal(document, path, 'the contents have another digest: Ignition refuses them');
}

/** The file's own bytes, as text. */
export function contentsOf(document: JsonDocument, at: JsonPath, resource: Resource): string {
  const { source, compression, verification } = resource;
  const path = [...at, 'source'];
  if (!source) throw refusal(document, at, 'the file is empty');
  let bytes = dataOf(document, path, source);
  if (compression && compression !== 'gzip') {
    throw refusal(document, [...at, 'compression'], 'expected gzip');
  }
  if (compression) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: CONTENTS_LIMIT });
    } catch {
      throw refusal(document, path, `not gzip, or more than ${CONTENTS_LIMIT} bytes of contents`);
    }
  }
  const hash = verification?.hash;
  if (hash) verify(document, [...at, 'verification', 'hash'], hash, bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refusal(document, path, 'the contents are not UTF-8 text');
  }
}

export function checkPaths(document: JsonDocument, at: JsonPath, paths: readonly string[]): void {
  const taken = new Set<string>();
  for (const [index, path] of paths.entries()) {
    if (taken.has(path)) throw refusal(document, [...at, index, 'path'], 'expected each path once');
    taken.add(path);
  }
}

function filesOf(document: JsonDocument, config: Config, at: JsonPath): ContainedFile[] {
  const files = config.storage?.files ?? [];
  const list: JsonPath = [...at, 'storage', 'files'];
  checkPaths(
    document,
    list,
    files.map(({ path }) => path),
  );
  return files.map(({ path, contents, append }, index) => ({
    path,
    text: () => {
      if (append?.length) {
        throw refusal(document, [...list, index, 'append'], 'appends to what a machine has');
      }
      return contentsOf(document, [...list, index, 'contents'], contents ?? {});
    },
  }));
}

export const ignition: Importer = async ([input], options) => {
  const document = await readObject(input);
  const config = checkDocument(ConfigSchema, document, {
    remedy: 'Give an Ignition configuration of version 3.',
  });
  return placedProfiles(filesOf(document, config, []), input.source, options);
};

export const machineconfig: Importer = async ([input], options) => {
  const document = await readObject(input);
  const { spec } = checkDocument(MachineConfigSchema, document, {
    remedy: 'Give a MachineConfig whose spec.config is Ignition of version 3.',
  });
  return placedProfiles(filesOf(document, spec.config, ['spec', 'config']), input.source, options);
};
