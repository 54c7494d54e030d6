/**
 * A profile as lines that a line-by-line diff reads well: one for each call and rule, sorted by
 * call, in names. Everything that has a meaning is in them, so that profiles with the same lines
 * mean the same; what only the layout of the file says (grouping, order, comments) is not.
 */
import { describeSet, errnoName, type WordSet } from '../tables';
import type { Gate, GatedProfile, GatedRule } from './gated';
import type { EitherProfile } from './parse';
import type { Action, Condition, Rule } from './schema';

const MAX = 0xffff_ffff_ffff_ffffn;

/** crun reads only the first six conditions of a rule: beyond that their order has a meaning. */
const CONDITIONS_EVERYONE_READS = 6;

function setOf({ op, value, valueTwo }: Condition): WordSet | null {
  const range = (first: bigint, last: bigint): WordSet => ({
    kind: 'ranges',
    ranges: first <= last && last >= 0n && first <= MAX ? [[first, last]] : [],
  });
  switch (op) {
    case 'SCMP_CMP_EQ':
      return { kind: 'values', values: [value] };
    case 'SCMP_CMP_NE':
      return { kind: 'except', set: { kind: 'values', values: [value] } };
    case 'SCMP_CMP_LT':
      return range(0n, value - 1n);
    case 'SCMP_CMP_LE':
      return range(0n, value);
    case 'SCMP_CMP_GE':
      return range(value, MAX);
    case 'SCMP_CMP_GT':
      return range(value + 1n, MAX);
    default:
      // Bits outside the mask never match.
      return (valueTwo & ~value) === 0n
        ? { kind: 'bits', cubes: [{ mask: value, value: valueTwo }] }
        : null;
  }
}

function conditionText(name: string, condition: Condition): string {
  const { index, value, valueTwo } = condition;
  const set = setOf(condition);
  if (set !== null) return describeSet(name, index, set);
  return `args[${index}] & 0x${value.toString(16)} == 0x${valueTwo.toString(16)}, which never holds`;
}

function conditionsText(name: string, args: readonly Condition[]): string {
  if (args.length === 0) return '';
  const texts = args.map((condition) => conditionText(name, condition));
  if (args.length <= CONDITIONS_EVERYONE_READS) texts.sort();
  // runc reads each condition of such a rule as a rule of its own.
  const repeated = new Set(args.map(({ index }) => index)).size < args.length;
  return ` if ${texts.join(repeated ? ' ; ' : ' and ')}`;
}

function errnoText(errno: number | string): string {
  return typeof errno === 'string' ? errno : (errnoName(errno) ?? String(errno));
}

function answerText(action: Action, errno: number | string | undefined): string {
  const word = action.replace(/^SCMP_ACT_/, '').toLowerCase();
  return errno === undefined ? word : `${word} ${errnoText(errno)}`;
}

function gateText(gate: Gate, joined: 'and' | 'or'): string {
  const { minKernel } = gate;
  const caps = [...gate.caps].sort();
  const arches = [...gate.arches].sort();
  return [
    ...(caps.length === 0 ? [] : [`with ${caps.join(` ${joined} `)}`]),
    ...(arches.length === 0 ? [] : [`on ${arches.join(' or ')}`]),
    ...(minKernel === undefined ? [] : [`from Linux ${minKernel.join('.')}`]),
  ].join(` ${joined} `);
}

/** All of `includes`, none of `excludes`. */
function gatesText({ includes, excludes }: Pick<GatedRule, 'includes' | 'excludes'>): string {
  const only = gateText(includes, 'and');
  const not = gateText(excludes, 'or');
  return `${only === '' ? '' : `, only ${only}`}${not === '' ? '' : `, not ${not}`}`;
}

interface Line {
  name: string;
  answer: string;
  text: string;
}

function linesOf(rule: Rule | GatedRule): Line[] {
  const named = 'errno' in rule && rule.errno ? rule.errno : undefined;
  // Engines that read no errno names take the number: both are said.
  const numbered = rule.errnoRet;
  const answer =
    named !== undefined && numbered !== undefined
      ? `${answerText(rule.action, named)} (errnoRet ${numbered})`
      : answerText(rule.action, named ?? numbered);
  const gates = 'includes' in rule ? gatesText(rule) : '';
  return rule.names.map((name) => ({
    name,
    answer,
    text: `${name}: ${answer}${conditionsText(name, rule.args)}${gates}`,
  }));
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** By call. Of rules that answer one call differently the first may win: they keep their order. */
function sorted(lines: readonly Line[]): string[] {
  const calls = new Map<string, Line[]>();
  for (const line of lines) {
    const list = calls.get(line.name);
    if (list === undefined) calls.set(line.name, [line]);
    else list.push(line);
  }
  return [...calls.entries()]
    .sort(([a], [b]) => byText(a, b))
    .flatMap(([, list]) => {
      const one = new Set(list.map(({ answer }) => answer)).size === 1;
      const texts = list.map(({ text }) => text);
      return one ? texts.sort(byText) : texts;
    });
}

function headOf(profile: EitherProfile['value']): string[] {
  const gated = profile as Partial<GatedProfile>;
  const named = gated.defaultErrno || undefined;
  const numbered = profile.defaultErrnoRet;
  const { flags, listenerPath, listenerMetadata } = profile;
  return [
    `default: ${answerText(profile.defaultAction, named ?? numbered)}` +
      (named !== undefined && numbered !== undefined ? ` (defaultErrnoRet ${numbered})` : ''),
    ...[...profile.architectures].sort().map((arch) => `architecture: ${arch}`),
    ...(gated.archMap ?? []).map(({ architecture, subArchitectures }) =>
      `architecture: ${architecture} with ${[...subArchitectures].sort().join(', ')}`.replace(
        / with $/,
        '',
      ),
    ),
    ...(flags === undefined ? [] : [`flags: ${[...flags].sort().join(', ') || 'none'}`]),
    ...(listenerPath ? [`listener: ${JSON.stringify(listenerPath)}`] : []),
    ...(listenerMetadata ? [`listener metadata: ${JSON.stringify(listenerMetadata)}`] : []),
  ];
}

/** Names are untrusted, as everything in the profile. */
export function profileLines({ value }: EitherProfile): string[] {
  const rules: readonly (Rule | GatedRule)[] = value.syscalls;
  return [...headOf(value), '', ...sorted(rules.flatMap(linesOf))];
}
