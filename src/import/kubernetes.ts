/** Profiles out of a ConfigMap: its keys that end with .json. */
import * as z from 'zod';
import { checkDocument } from '../json';
import { readObject } from './object';
import { placedProfiles } from './placed';
import type { Importer } from './types';

const ConfigMapSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  data: z.record(z.string().max(253), z.string()).default({}),
});

export const kubernetes: Importer = async ([input], options) => {
  const document = await readObject(input);
  const { data } = checkDocument(ConfigMapSchema, document, {
    remedy: 'Give a ConfigMap; of what patches a workload, the profile is elsewhere.',
  });
  // A key is a file's name where it is mounted: there is no directory to go by.
  const files = Object.entries(data).map(([key, text]) => ({
    path: key.endsWith('.json') ? `seccomp/${key}` : key,
    text: () => text,
  }));
  return placedProfiles(files, input.source, options);
};
