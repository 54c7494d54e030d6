/**
 * Writes src/tables/defaults.ts: a profile in an engine's own format, as what changed since the
 * release before it. Nothing but the meaning goes in, and it is read back before it is written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { COMPARISONS, decodeDefaults } from '../../src/profile/defaults';
import { type GatedProfile, type GatedRule, parseGatedProfile } from '../../src/profile/gated';
import { reaches, versionNumbers } from '../../src/profile/resolve';
import type { Condition } from '../../src/profile/schema';
import { errnoNumber } from '../../src/tables/errnos';

const USAGE = `usage: scripts/generate-defaults docker|podman FIRST LAST SOURCE FILE

Adds FILE, the default profile that releases FIRST to LAST have in common (Docker's, or
containers/common's for podman), to src/tables/defaults.ts. It has to be newer than what is there
for the engine; where FIRST is there already, LAST is all that may change. SOURCE says in words
without quotes where FILE is from: repository, release, path.
`;

const TABLE = join(__dirname, '..', '..', 'src', 'tables', 'defaults.ts');
const WIDTH = 98;
const START = 'export const DEFAULTS = `\n';
const END = '`;\n';

type Engine = 'docker' | 'podman';

function number(value: bigint): string {
  return value > 0xffffn ? `0x${value.toString(16)}` : value.toString();
}

function conditionText({ index, value, valueTwo, op }: Condition): string {
  if (op === 'SCMP_CMP_MASKED_EQ') return `${index}&${number(value)}==${number(valueTwo)}`;
  if (valueTwo !== 0n) throw new Error(`valueTwo without ${op} has no meaning`);
  return `${index}${COMPARISONS[op]}${number(value)}`;
}

function capability(name: string): string {
  if (!/^CAP_[A-Z_]+$/.test(name)) throw new Error(`not a capability: ${name}`);
  return name.slice('CAP_'.length);
}

const short = (name: string) => name.replace(/^SCMP_(ACT|ARCH)_/, '');
const withErrno = (action: string, errno: number | undefined) =>
  errno === undefined ? short(action) : `${short(action)}=${errno}`;

function headOf({ action, errnoRet, includes, excludes, args }: GatedRule): string {
  return [
    withErrno(action, errnoRet),
    ...includes.caps.map((name) => `+${capability(name)}`),
    ...excludes.caps.map((name) => `-${capability(name)}`),
    ...includes.arches.map((name) => `@${name}`),
    ...excludes.arches.map((name) => `!${name}`),
    ...(includes.minKernel === undefined ? [] : [`from:${includes.minKernel.join('.')}`]),
    ...(excludes.minKernel === undefined ? [] : [`until:${excludes.minKernel.join('.')}`]),
    ...args.map(conditionText),
  ].join(' ');
}

/** An errno's name becomes its number; both must say the same, or the engines would disagree. */
function onlyNumber(name: string | undefined, errno: number | undefined): number | undefined {
  if (!name) return errno;
  const named = errnoNumber(name) ?? Number(name);
  if (errno !== undefined && errno !== named) throw new Error(`errno ${name} is not ${errno}`);
  return named;
}

function meaning(profile: GatedProfile): GatedProfile {
  const { defaultErrno, defaultErrnoRet, ...rest } = profile;
  const fallback = onlyNumber(defaultErrno, defaultErrnoRet);
  return {
    ...rest,
    ...(fallback === undefined ? {} : { defaultErrnoRet: fallback }),
    syscalls: profile.syscalls.map(({ errno, errnoRet, ...rule }) => {
      const answer = onlyNumber(errno, errnoRet);
      const names = [...new Set(rule.names)].sort();
      return { ...rule, names, ...(answer === undefined ? {} : { errnoRet: answer }) };
    }),
  };
}

/** Pairs of rules with one head, in the order of both lists, as many as possible. */
function pairs(before: readonly GatedRule[], after: readonly GatedRule[]): [number, number][] {
  const a = before.map(headOf);
  const b = after.map(headOf);
  const best: number[][] = [];
  for (let i = a.length; i >= 0; i -= 1) {
    best[i] = [];
    for (let j = b.length; j >= 0; j -= 1) {
      const row = best[i] as number[];
      if (i === a.length || j === b.length) row[j] = 0;
      else if (a[i] === b[j]) row[j] = 1 + (best[i + 1]?.[j + 1] ?? 0);
      else row[j] = Math.max(best[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  const out: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) out.push([i++, j++]);
    else if ((best[i + 1]?.[j] ?? 0) >= (best[i]?.[j + 1] ?? 0)) i += 1;
    else j += 1;
  }
  return out;
}

function ruleLines(before: readonly GatedRule[], after: readonly GatedRule[]): string[] {
  const lines: string[] = [];
  let kept = 0;
  const flush = () => {
    if (kept > 0) lines.push(`keep ${kept}`);
    kept = 0;
  };
  let i = 0;
  let j = 0;
  for (const [atBefore, atAfter] of [
    ...pairs(before, after),
    [before.length, after.length] as const,
  ]) {
    if (atBefore > i || atAfter > j) flush();
    if (atBefore > i) lines.push(`drop ${atBefore - i}`);
    for (; j < atAfter; j += 1) {
      const rule = after[j] as GatedRule;
      lines.push(`${headOf(rule)}: ${rule.names.join(' ')}`);
    }
    const [old, now] = [before[atBefore], after[atAfter]];
    if (old !== undefined && now !== undefined) {
      const gone = old.names.filter((name) => !now.names.includes(name));
      const come = now.names.filter((name) => !old.names.includes(name));
      if (gone.length + come.length === 0) kept += 1;
      else {
        flush();
        lines.push(
          ['change', ...gone.map((name) => `-${name}`), ...come.map((name) => `+${name}`)].join(
            ' ',
          ),
        );
      }
    }
    i = atBefore + 1;
    j = atAfter + 1;
  }
  flush();
  return lines;
}

function wrap(line: string): string {
  const out: string[] = [];
  let now = '';
  for (const word of line.split(' ')) {
    if (now !== '' && now.length + 1 + word.length > WIDTH) {
      out.push(now);
      now = ` ${word}`;
    } else {
      now = now === '' ? word : `${now} ${word}`;
    }
  }
  return [...out, now].map((text, index) => (index === 0 ? text : ` ${text}`)).join('\n');
}

function block(title: string, before: GatedProfile | undefined, after: GatedProfile): string {
  const says = ({ defaultAction, defaultErrnoRet }: GatedProfile) =>
    `default ${withErrno(defaultAction, defaultErrnoRet)}`;
  const maps = ({ archMap }: GatedProfile) =>
    `archMap ${archMap
      .map(({ architecture, subArchitectures }) =>
        subArchitectures.length === 0
          ? short(architecture)
          : `${short(architecture)}:${subArchitectures.map(short).join(',')}`,
      )
      .join(' ')}`;
  return [
    title,
    ...(before !== undefined && says(before) === says(after) ? [] : [says(after)]),
    ...(before !== undefined && maps(before) === maps(after) ? [] : [maps(after)]),
    ...ruleLines(before?.syscalls ?? [], after.syscalls),
  ]
    .map(wrap)
    .join('\n');
}

function fail(message: string): never {
  process.stderr.write(`generate-defaults: ${message}\n`);
  process.exit(2);
}

function main(args: readonly string[]): void {
  if (args.includes('--help') || args.length !== 5) {
    process.stdout.write(USAGE);
    process.exit(args.includes('--help') ? 0 : 2);
  }
  const [name, first = '', last = '', source = '', file = ''] = args;
  if (name !== 'docker' && name !== 'podman') fail(`no engine of this kind: ${name}`);
  const engine: Engine = name;
  const table = readFileSync(TABLE, 'utf8');
  const start = table.indexOf(START) + START.length;
  const end = table.lastIndexOf(END);
  const blocks = table
    .slice(start, end)
    .split('\n\n')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const known = decodeDefaults(table.slice(start, end));
  const after = meaning(parseGatedProfile(readFileSync(file, 'utf8'), file));
  const title = `${engine} ${first} ${last} ${source}`;
  let at = known.findLastIndex((entry) => entry.engine === engine);
  const same = known.findIndex((entry) => entry.engine === engine && entry.first === first);
  if (same >= 0) {
    const lines = (blocks[same] ?? '').split('\n');
    blocks[same] = [title, ...lines.slice(1)].join('\n');
  } else {
    const newest = known[at];
    if (newest && reaches(versionNumbers(newest.last, 'last'), versionNumbers(first, 'first'))) {
      fail(`${engine} ${first} is not newer than ${newest.last}`);
    }
    if (at < 0) at = engine === 'docker' ? -1 : known.length - 1;
    blocks.splice(at + 1, 0, block(title, newest?.profile, after));
  }
  const text = `${blocks.join('\n\n')}\n`;
  const entry = decodeDefaults(text).find((one) => one.engine === engine && one.first === first);
  if (!isDeepStrictEqual(entry && JSON.parse(show(entry.profile)), JSON.parse(show(after)))) {
    fail(`${file} cannot be written to the table without loss`);
  }
  writeFileSync(TABLE, table.slice(0, start) + text + table.slice(end));
}

/** Comparable: absent and undefined are one, bigints are strings. */
function show(profile: GatedProfile): string {
  return JSON.stringify(profile, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
}

main(process.argv.slice(2));
