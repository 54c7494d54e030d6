/** Profiles out of Butane's configurations (coreos/butane): as in Ignition's, or written out. */
import * as z from 'zod';
import { checkDocument } from '../json';
import { checkPaths, contentsOf } from './ignition';
import { readObject, refusal } from './object';
import { placedProfiles } from './placed';
import type { Importer } from './types';

const Text = z.string().nullish();

const ContentsSchema = z.looseObject({
  inline: Text,
  local: Text,
  source: Text,
  compression: Text,
  verification: z.looseObject({ hash: Text }).nullish(),
});

const ButaneSchema = z.looseObject({
  variant: z.string(),
  version: z.string(),
  storage: z
    .looseObject({
      files: z
        .array(
          z.looseObject({
            path: z.string().min(1).max(4096),
            contents: ContentsSchema.nullish(),
            append: z.array(z.unknown()).nullish(),
          }),
        )
        .max(100_000)
        .nullish(),
    })
    .nullish(),
});

export const butane: Importer = async ([input], options) => {
  const document = await readObject(input);
  const { storage } = checkDocument(ButaneSchema, document, {
    remedy: "Give a configuration of Butane's, with variant and version.",
  });
  const files = storage?.files ?? [];
  const list = ['storage', 'files'];
  checkPaths(
    document,
    list,
    files.map(({ path }) => path),
  );
  const contained = files.map(({ path, contents, append }, index) => ({
    path,
    text: () => {
      const at = [...list, index, 'contents'];
      if (append?.length) {
        throw refusal(document, [...list, index, 'append'], 'appends to what a machine has');
      }
      if (contents?.local) {
        throw refusal(
          document,
          [...at, 'local'],
          'the contents lie in another file',
          'Give what butane makes of it (--from machineconfig or ignition).',
        );
      }
      return contents?.inline ?? contentsOf(document, at, contents ?? {});
    },
  }));
  return placedProfiles(contained, input.source, options);
};
