/** Profile to canonical bytes: fixed key order, sorted, one name a line, trailing newline, u64 exact. */
import { stringify } from 'lossless-json';
import { escapeUnsafeJson } from '../errors/text';
import type { Condition, Profile, Rule } from './schema';
import { OPERATORS } from './values';

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compareConditions(a: Condition, b: Condition): number {
  return (
    a.index - b.index ||
    OPERATORS.indexOf(a.op) - OPERATORS.indexOf(b.op) ||
    Number(a.value > b.value) - Number(a.value < b.value) ||
    Number(a.valueTwo > b.valueTwo) - Number(a.valueTwo < b.valueTwo)
  );
}

/** crun reads only the first six conditions of a rule: beyond that their order has a meaning. */
const CONDITIONS_EVERYONE_READS = 6;

function canonicalRule(rule: Rule): Rule {
  const args = rule.args.map(({ index, value, valueTwo, op }) => ({ index, value, valueTwo, op }));
  return {
    names: [...new Set(rule.names)].sort(compare),
    action: rule.action,
    ...(rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet }),
    args: args.length > CONDITIONS_EVERYONE_READS ? args : args.sort(compareConditions),
  };
}

function answer(rule: Rule): string {
  return `${rule.action} ${rule.errnoRet ?? ''}`;
}

/** Where two rules answer one call differently, libseccomp lets the first win: the order has a meaning. */
function orderMatters(rules: readonly Rule[]): boolean {
  const answers = new Map<string, string>();
  for (const rule of rules) {
    for (const name of rule.names) {
      if ((answers.get(name) ?? answer(rule)) !== answer(rule)) return true;
      answers.set(name, answer(rule));
    }
  }
  return false;
}

const ACTION_ORDER = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_ERRNO'];

function rank(rule: Rule): number {
  const index = ACTION_ORDER.indexOf(rule.action);
  return index === -1 ? ACTION_ORDER.length : index;
}

function ruleText(rule: Rule): string {
  return stringify(rule) ?? '';
}

export function canonicalProfile(profile: Profile): Profile {
  const rules = profile.syscalls.map(canonicalRule);
  if (!orderMatters(rules)) {
    rules.sort((a, b) => rank(a) - rank(b) || compare(ruleText(a), ruleText(b)));
  }
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: [...new Set(profile.architectures)].sort(compare),
    ...(profile.flags === undefined ? {} : { flags: [...new Set(profile.flags)].sort(compare) }),
    ...(profile.listenerPath === undefined ? {} : { listenerPath: profile.listenerPath }),
    ...(profile.listenerMetadata === undefined
      ? {}
      : { listenerMetadata: profile.listenerMetadata }),
    syscalls: rules,
  };
}

/** A condition is read as one thing, so it stands on one line, like a name. */
function oneLineConditions(text: string): string {
  return text.replace(/\{\s+"index": [^{}]*\}/g, (condition) =>
    condition
      .replace(/\s*\n\s*/g, ' ')
      .replace('{ ', '{')
      .replace(' }', '}'),
  );
}

/** What has its default value is not written. */
export function serializeProfile(profile: Profile): string {
  const { architectures, syscalls, ...rest } = canonicalProfile(profile);
  const { defaultAction, defaultErrnoRet, ...others } = rest;
  const document = {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    ...(architectures.length === 0 ? {} : { architectures }),
    ...others,
    syscalls: syscalls.map(({ args, ...rule }) => ({
      ...rule,
      ...(args.length === 0
        ? {}
        : {
            args: args.map(({ valueTwo, op, ...arg }) =>
              valueTwo === 0n ? { ...arg, op } : { ...arg, valueTwo, op },
            ),
          }),
    })),
  };
  return escapeUnsafeJson(`${oneLineConditions(stringify(document, null, 2) ?? '')}\n`);
}
