/**
 * The engines' default profiles, read from the table of src/tables/defaults.ts, which says how it
 * is written; scripts/generate-defaults writes it.
 */
import { SysieveError } from '../errors';
import { DEFAULTS, type OCI_ARCHES } from '../tables';
import type { Gate, GatedProfile, GatedRule } from './gated';
import { type EngineContext, reaches, resolveGatedProfile, versionNumbers } from './resolve';
import type { Action, Condition, Profile } from './schema';
import { OPERATORS } from './values';

export interface DefaultVersion {
  engine: EngineContext['engine'];
  /** The releases with this very profile: the first and the last known of them. */
  first: string;
  last: string;
  /** Repository, release and file it was read from. */
  source: string;
}

interface Entry extends DefaultVersion {
  profile: GatedProfile;
}

type Arch = (typeof OCI_ARCHES)[number];

/** How conditions are written in the table. */
export const COMPARISONS: Record<Exclude<Condition['op'], 'SCMP_CMP_MASKED_EQ'>, string> = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '==',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
};

function damaged(line: string): Error {
  return new Error(`the table of default profiles is damaged at ${JSON.stringify(line)}`);
}

function condition(text: string): Condition {
  const [, index, mask, sign, value] = /^(\d)(?:&(\w+))?([=!<>]+)(\w+)$/.exec(text) ?? [];
  if (value === undefined) throw damaged(text);
  if (mask !== undefined) {
    const masked = { value: BigInt(mask), valueTwo: BigInt(value) };
    return { index: Number(index), ...masked, op: 'SCMP_CMP_MASKED_EQ' };
  }
  const op = OPERATORS.find((name) => COMPARISONS[name as 'SCMP_CMP_NE'] === sign);
  if (op === undefined) throw damaged(text);
  return { index: Number(index), value: BigInt(value), valueTwo: 0n, op };
}

function minKernel(text: string): readonly [number, number] {
  const [version = 0, major = 0] = text.split('.').map(Number);
  return [version, major];
}

/** What stands before the names: the action, its errno, gates and conditions. */
function ruleOf(head: string, names: readonly string[]): GatedRule {
  const [action = '', ...words] = head.split(' ');
  const [actionName, errno] = action.split('=');
  const includes: Gate = { caps: [], arches: [], minKernel: undefined };
  const excludes: Gate = { caps: [], arches: [], minKernel: undefined };
  const args: Condition[] = [];
  for (const word of words) {
    const rest = word.slice(1);
    if (word.startsWith('+')) includes.caps.push(`CAP_${rest}`);
    else if (word.startsWith('-')) excludes.caps.push(`CAP_${rest}`);
    else if (word.startsWith('@')) includes.arches.push(rest);
    else if (word.startsWith('!')) excludes.arches.push(rest);
    else if (word.startsWith('from:')) includes.minKernel = minKernel(word.slice(5));
    else if (word.startsWith('until:')) excludes.minKernel = minKernel(word.slice(6));
    else args.push(condition(word));
  }
  return {
    names: [...names],
    action: `SCMP_ACT_${actionName}` as Action,
    ...(errno === undefined ? {} : { errnoRet: Number(errno) }),
    args,
    includes,
    excludes,
  };
}

/** A rule of the release before, with names added and removed. */
function changed(rule: GatedRule, words: readonly string[]): GatedRule {
  const without = new Set(words.filter((word) => word.startsWith('-')).map((w) => w.slice(1)));
  const added = words.filter((word) => word.startsWith('+')).map((word) => word.slice(1));
  return { ...rule, names: [...rule.names.filter((name) => !without.has(name)), ...added].sort() };
}

function firstEntry(before: Entry | undefined, engine: string): GatedProfile {
  if (before?.engine === engine) return { ...before.profile, syscalls: [] };
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: [],
    archMap: [],
    flags: [],
    listenerPath: '',
    listenerMetadata: '',
    syscalls: [],
  };
}

function header(line: string): DefaultVersion {
  const [engine, first, last, ...source] = line.split(' ');
  if ((engine !== 'docker' && engine !== 'podman') || first === undefined || last === undefined) {
    throw damaged(line);
  }
  return { engine, first, last, source: source.join(' ') };
}

function architectureMap(words: readonly string[]): GatedProfile['archMap'] {
  return words.map((word) => {
    const [architecture, ...subs] = word.split(/[:,]/).map((name) => `SCMP_ARCH_${name}` as Arch);
    if (architecture === undefined) throw damaged(word);
    return { architecture, subArchitectures: subs };
  });
}

function entryOf(block: string, before: Entry | undefined): Entry {
  const [first = '', ...lines] = block.replaceAll('\n  ', ' ').trim().split('\n');
  const about = header(first);
  const profile = firstEntry(before, about.engine);
  const rules = before?.engine === about.engine ? [...before.profile.syscalls] : [];
  const take = (line: string): GatedRule => {
    const rule = rules.shift();
    if (rule === undefined) throw damaged(line);
    return rule;
  };
  for (const line of lines) {
    const [word, ...rest] = line.split(' ');
    if (word === 'default') {
      const [action, errno] = (rest[0] ?? '').split('=');
      profile.defaultAction = `SCMP_ACT_${action}` as Action;
      if (errno === undefined) delete profile.defaultErrnoRet;
      else profile.defaultErrnoRet = Number(errno);
    } else if (word === 'archMap') {
      profile.archMap = architectureMap(rest);
    } else if (word === 'keep') {
      for (let count = Number(rest[0]); count > 0; count -= 1) profile.syscalls.push(take(line));
    } else if (word === 'drop') {
      for (let count = Number(rest[0]); count > 0; count -= 1) take(line);
    } else if (word === 'change') {
      profile.syscalls.push(changed(take(line), rest));
    } else {
      const [head = '', names = ''] = line.split(': ');
      profile.syscalls.push(ruleOf(head, names.split(' ')));
    }
  }
  if (rules.length > 0) throw damaged(first);
  return { ...about, profile };
}

/** Oldest first, one engine after the other. */
export function decodeDefaults(text: string): (DefaultVersion & { profile: GatedProfile })[] {
  const entries: Entry[] = [];
  for (const block of text.trim().split(/\n\n/)) {
    if (block !== '') entries.push(entryOf(block, entries.at(-1)));
  }
  return entries;
}

let decoded: Entry[] | undefined;

function entries(): readonly Entry[] {
  decoded ??= decodeDefaults(DEFAULTS);
  return decoded;
}

/** What `defaultProfile` knows, oldest first, one engine after the other. */
export function defaultVersions(): DefaultVersion[] {
  return entries().map(({ engine, first, last, source }) => ({ engine, first, last, source }));
}

/** The containers/common that Podman's releases from this one on were built with; their go.mod. */
const COMMON_OF_PODMAN: readonly (readonly [podman: string, common: string])[] = [
  ['3.4.0', '0.44.2'],
  ['4.0.0', '0.47.4'],
  ['4.1.0', '0.48.0'],
  ['4.2.0', '0.49.1'],
  ['5.0.0', '0.58.0'],
  ['5.2.0', '0.60.0'],
  ['5.5.0', '0.63.0'],
];
const LAST_PODMAN = '5.6.2';

const numbers = (version: string) => versionNumbers(version, 'the version of the default profile');

/** Null: a release that is not known, before or after those that are. */
function entryFor(engine: EngineContext['engine'], version: string | undefined): Entry | null {
  const known = entries().filter((entry) => entry.engine === engine);
  const newest = known.at(-1) ?? null;
  if (version === undefined || newest === null) return newest;
  const wanted = numbers(version);
  if (engine === 'podman' && reaches(wanted, [1])) {
    const common = COMMON_OF_PODMAN.findLast(([podman]) => reaches(wanted, numbers(podman)))?.[1];
    return common !== undefined && reaches(numbers(LAST_PODMAN), wanted)
      ? entryFor(engine, common)
      : null;
  }
  if (!reaches(numbers(newest.last), wanted)) return null;
  // Releases between two entries were not published, or not with another profile.
  return known.findLast(({ first }) => reaches(wanted, numbers(first))) ?? null;
}

function unknown(engine: EngineContext['engine'], version: string): SysieveError {
  const known = entries().filter((entry) => entry.engine === engine);
  const range = `${known[0]?.first} to ${known.at(-1)?.last}`;
  const ranges =
    engine === 'docker'
      ? range
      : `${COMMON_OF_PODMAN[0]?.[0]} to ${LAST_PODMAN}, and ${range} of containers/common`;
  return new SysieveError(
    'input',
    'default-unknown',
    `the default profile of ${engine} ${version} is not known`,
    { remedy: `Give a version of ${ranges}, or the profile as a file.` },
  );
}

/** An engine's default, as it is written. */
export interface GatedDefault {
  profile: GatedProfile;
  /** The release whose default it is: the one asked for, or the one taken in its place. */
  version: string;
  /** False: the release asked for is not known, and this is the newest before it. */
  known: boolean;
  source: string;
}

/**
 * The default of a release as the engine's makers wrote it; of one that came after all that are
 * known, the newest known, which is said in `known`. Without a version the newest known. Throws for
 * releases before the first known one.
 */
export function gatedDefault(
  engine: EngineContext['engine'],
  version: string | undefined,
): GatedDefault {
  const entry = entryFor(engine, version);
  if (entry !== null) {
    const { profile, last, source } = entry;
    return { profile, version: version ?? last, known: true, source };
  }
  const newest = entryFor(engine, undefined);
  const asked = numbers(version ?? '');
  const ofPodman = engine === 'podman' && reaches(asked, [1]);
  const last = ofPodman ? LAST_PODMAN : newest?.last;
  if (newest === null || last === undefined || !reaches(asked, numbers(last))) {
    throw unknown(engine, version ?? '');
  }
  return { profile: newest.profile, version: newest.last, known: false, source: newest.source };
}

/**
 * What an engine hands to its runtime for a container without a profile of its own. `version` is the
 * engine's; for Podman it may be that of containers/common, the package that brings
 * /usr/share/containers/seccomp.json and that a distribution may pair otherwise than Podman's
 * makers. Without a version it is the newest known.
 */
export function defaultProfile(
  engine: EngineContext['engine'],
  version: string | undefined,
  context: Omit<EngineContext, 'engine' | 'engineVersion'>,
): Profile {
  const entry = entryFor(engine, version);
  if (entry === null) throw unknown(engine, version ?? '');
  return resolveGatedProfile(entry.profile, { ...context, engine, engineVersion: version });
}
