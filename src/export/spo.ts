/**
 * The Security Profiles Operator's SeccompProfile (api/seccompprofile v1, v1beta1). It holds less than
 * OCI does, and leaves out what is 0 or empty when it writes the profile on a node: what that would
 * change is refused, and the rest is compared with the source before it is written.
 */
import { SysieveError } from '../errors';
import { showPath } from '../json';
import type { Profile, Rule } from '../profile';
import { canonicalProfile } from '../profile';
import { checkObjectName } from './names';
import { objectFile } from './objects';
import { checkRuntimes, foreignNotes, machinesOf, meansTheSame } from './plain';
import type { Emitter, ExportOptions, NamedProfile } from './types';
import type { PlainObject } from './yaml';

const GROUP = 'security-profiles-operator.x-k8s.io';

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT32_MAX = 0x7fff_ffff;
const CONDITIONS = 6;

/** CRD: spec.listenerPath. */
const LISTENER = /^\/var\/run\/security-profiles-operator\/[a-zA-Z0-9_\-.]+$/;

/** OCI's that the CRD has not. */
const WITHOUT = ['LOONGARCH64', 'M68K', 'SH', 'SHEB'].map((name) => `SCMP_ARCH_${name}`);

const ERRNO = /_(?:ERRNO|TRACE)$/;
const EPERM = 1;

type Path = (string | number)[];

class Refusing {
  constructor(private readonly source: string) {}

  refuse(path: Path, says: string, remedy: string): never {
    throw new SysieveError(
      'input',
      'export-spo',
      `${this.source}: ${showPath(path)}: a SeccompProfile ${says}`,
      { remedy },
    );
  }
}

const PLACE_IT = 'Place the profile by another way, for example --to machineconfig.';

function checkTop(profile: Profile, at: Refusing): void {
  const { defaultAction, defaultErrnoRet, architectures, listenerPath } = profile;
  if (defaultErrnoRet !== undefined && defaultErrnoRet !== EPERM && ERRNO.test(defaultAction)) {
    at.refuse(
      ['defaultErrnoRet'],
      'has no errno for what is not listed: it would be EPERM',
      `Use EPERM there; or: ${PLACE_IT}`,
    );
  }
  for (const [index, arch] of architectures.entries()) {
    if (!WITHOUT.includes(arch)) continue;
    at.refuse(['architectures', index], `knows no ${arch}`, 'Leave it out.');
  }
  if (listenerPath && !LISTENER.test(listenerPath)) {
    at.refuse(
      ['listenerPath'],
      'takes listeners below /var/run/security-profiles-operator/ alone',
      PLACE_IT,
    );
  }
}

function checkRule({ action, errnoRet, args }: Rule, index: number, at: Refusing): void {
  const rule: Path = ['syscalls', index];
  if (errnoRet === 0 && ERRNO.test(action)) {
    at.refuse([...rule, 'errnoRet'], 'cannot say 0: it would be EPERM', PLACE_IT);
  }
  if (errnoRet !== undefined && errnoRet > INT32_MAX) {
    at.refuse([...rule, 'errnoRet'], `takes ${INT32_MAX} at most`, 'Use the number of an errno.');
  }
  if (args.length > CONDITIONS) {
    at.refuse(
      [...rule, 'args'],
      `takes ${CONDITIONS} conditions at most`,
      'Write one rule for each alternative.',
    );
  }
  args.forEach((condition, place) => {
    for (const key of ['value', 'valueTwo'] as const) {
      if (condition[key] <= INT64_MAX) continue;
      at.refuse([...rule, 'args', place, key], `takes ${INT64_MAX} at most`, PLACE_IT);
    }
  });
}

/** As the operator will write it on a node: nothing that is 0 or empty, and each name once. */
function onNode(profile: Profile): Profile {
  const { defaultErrnoRet: _, flags, listenerPath, listenerMetadata, ...rest } = profile;
  return canonicalProfile({
    ...rest,
    ...(flags?.length ? { flags } : {}),
    ...(listenerPath ? { listenerPath } : {}),
    ...(listenerMetadata ? { listenerMetadata } : {}),
    syscalls: profile.syscalls.map(({ errnoRet, ...rule }) =>
      errnoRet && ERRNO.test(rule.action) ? { ...rule, errnoRet } : rule,
    ),
  });
}

/** Checked as all else is: a difference here is one that the checks above do not know. */
function checkEqual(named: NamedProfile, made: Profile, options: ExportOptions): void {
  for (const machine of machinesOf(named.profile)) {
    if (meansTheSame(named.profile, made, machine, options)) continue;
    throw new SysieveError(
      'input',
      'export-spo',
      `${named.source}: a SeccompProfile would mean something else on ${machine}`,
      { remedy: PLACE_IT },
    );
  }
}

function specOf({ syscalls, ...profile }: Profile): PlainObject {
  return {
    ...profile,
    syscalls: syscalls.map(({ args, ...rule }) => ({
      ...rule,
      ...(args.length === 0
        ? {}
        : {
            args: args.map(({ index, value, valueTwo, op }) => ({
              index,
              value,
              ...(valueTwo === 0n ? {} : { valueTwo }),
              op,
            })),
          }),
    })),
  };
}

export const spo: Emitter = ([named], options) => {
  checkRuntimes(named, options);
  const at = new Refusing(named.source);
  checkTop(named.profile, at);
  named.profile.syscalls.forEach((rule, index) => {
    checkRule(rule, index, at);
  });
  const made = onNode(named.profile);
  checkEqual(named, made, options);
  const name = checkObjectName('name for a SeccompProfile', options.objectName ?? named.name);
  const version = options.apiVersion ?? 'v1';
  const object = {
    apiVersion: `${GROUP}/${version}`,
    kind: 'SeccompProfile',
    metadata: {
      name,
      ...(options.namespace === undefined
        ? {}
        : { namespace: checkObjectName('namespace', options.namespace) }),
    },
    spec: specOf(made),
  };
  const lost = (named.profile.flags?.length === 0 ? ['flags'] : []).map(
    () =>
      `${named.source}: written without its empty flags, which the operator drops; runc then sets ` +
      'those that it prefers',
  );
  const below = options.namespace === undefined ? '' : `${options.namespace}/`;
  return {
    files: [objectFile(name, object, options, `the SeccompProfile ${name}`)],
    notes: [
      ...foreignNotes(named),
      ...lost,
      ...(options.namespace === undefined
        ? []
        : [
            'a namespace is for operators before the kind became cluster-wide; later ones ignore it',
          ]),
      `pods name it as localhostProfile: operator/${below}${name.replace(/\.json$/, '')}.json`,
    ],
  };
};
