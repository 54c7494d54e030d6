/**
 * The Security Profiles Operator's SeccompProfile (api/seccompprofile/v1, v1beta1), in YAML or JSON:
 * OCI's rules below `spec`. Stricter than the API: what its YAML reader (1.1) takes for another value
 * than one of YAML 1.2 does, keys given twice and aliases are refused.
 */
import * as z from 'zod';
import { SysieveError } from '../errors';
import { checkDocument, type JsonDocument, type JsonPath } from '../json';
import type { Profile } from '../profile';
import { ProfileSchema } from '../profile/schema';
import { nameOf, readObject } from './object';
import type { Importer } from './types';

export interface SpoProfile {
  readonly profile: Profile;
  /** What reading it had to assume, a sentence each. */
  readonly notes: readonly string[];
  /** The path in the document of a path in the profile. */
  readonly path: (path: JsonPath) => JsonPath;
}

const GROUP = 'security-profiles-operator.x-k8s.io';

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;

const SpecSchema = z
  .strictObject({
    ...ProfileSchema.shape,
    /** Not in this format. */
    defaultErrnoRet: z.never().optional(),
    baseProfileName: z.string().max(4096).default(''),
    /** Of earlier releases; then `state`. */
    disabled: z.boolean().default(false),
    state: z.enum(['Enabled', 'Disabled']).default('Enabled'),
  })
  .superRefine(({ syscalls }, context) => {
    syscalls.forEach(({ args }, rule) => {
      args.forEach((condition, index) => {
        for (const key of ['value', 'valueTwo'] as const) {
          if (condition[key] <= INT64_MAX) continue;
          context.addIssue({
            code: 'custom',
            path: ['syscalls', rule, 'args', index, key],
            message: `expected an integer from 0 to ${INT64_MAX}`,
          });
        }
      });
    });
  });

const DocumentSchema = z.strictObject({
  apiVersion: z.enum([`${GROUP}/v1`, `${GROUP}/v1beta1`]),
  kind: z.literal('SeccompProfile'),
  metadata: z.record(z.string(), z.unknown()).optional(),
  spec: SpecSchema,
  status: z.unknown().optional(),
});

export interface SpoOptions {
  /** Read the profile without the one that it names as its base. */
  withoutBase: boolean;
}

/** `document`: read from YAML or JSON. Throws a SysieveError with a place. */
export function spoProfile(document: JsonDocument, options: SpoOptions): SpoProfile {
  const { spec } = checkDocument(DocumentSchema, document, {
    remedy: `Give a SeccompProfile of ${GROUP}/v1 or v1beta1.`,
  });
  const { baseProfileName, disabled, state, syscalls, ...profile } = spec;
  const notes: string[] = [];
  if (baseProfileName !== '') {
    const base = JSON.stringify(baseProfileName);
    if (!options.withoutBase) {
      throw new SysieveError(
        'input',
        'spo-base',
        `${document.source}: its base profile ${base} is not in the file: on a node the operator ` +
          'adds the rules of that profile to it',
        {
          remedy:
            'Compare with the profile on a node, or with a live container; or leave the base out ' +
            'of the comparison with --without-base.',
        },
      );
    }
    notes.push(
      `${document.source} without its base profile ${base}: what that permits is not counted`,
    );
  }
  if (disabled || state === 'Disabled') {
    notes.push(`${document.source} is disabled: the operator installs it nowhere`);
  }
  return {
    profile: {
      ...profile,
      // 0 is the same as none here: the runtime's EPERM.
      syscalls: syscalls.map(({ errnoRet, ...rule }) => (errnoRet ? { ...rule, errnoRet } : rule)),
    },
    notes,
    path: (path) => ['spec', ...path],
  };
}

/** `sysieve import --from spo`. */
export const spo: Importer = async ([input], options) => {
  const document = await readObject(input);
  const { profile, notes } = spoProfile(document, { withoutBase: options.withoutBase === true });
  return { kind: 'profiles', profiles: [{ name: nameOf(document), profile }], notes };
};
