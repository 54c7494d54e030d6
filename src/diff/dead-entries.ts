/**
 * Entries of the new side that do nothing, and did not stand there before: those that the runtimes
 * skip, that others erase or repeat, and names of no call.
 */

import { SysieveError } from '../errors';
import {
  type Answer,
  conditionsText,
  deadRules,
  equal,
  findCall,
  intersection,
  isUnconditional,
  type Policy,
  policyOfProfile,
  ruleAnswer,
} from '../policy';
import type { GatedRule, Profile, Rule } from '../profile';
import { NOTHING } from '../review';
import { ABIS, abiOf, errnoNumber, syscallNumber } from '../tables';
import type { Draft } from './draft';
import type { ProfileSide } from './side';
import { asGated, type Engine } from './view';

/** A draft, and what tells it from others of its rule about the same call. */
export interface EntryDraft {
  readonly draft: Draft;
  readonly key: string;
}

interface Placed {
  readonly rule: Rule;
  /** Of its entry in the file. */
  readonly at: number;
  /** Its gates as a text; empty: none. */
  readonly gate: string;
}

interface Defect {
  readonly rule: 'rule-without-effect' | 'rule-shadowed' | 'rule-duplicate' | 'name-unknown';
  readonly severity: Draft['severity'];
  readonly name: string;
  readonly at: number;
  readonly key: string;
  readonly message: string;
  readonly reason: string | null;
}

export function entryDrafts(
  before: ProfileSide,
  after: ProfileSide,
  engines: { readonly before: Engine; readonly after: Engine },
): EntryDraft[] {
  const [old, now] = [new Entries(before, engines.before), new Entries(after, engines.after)];
  const names = new Set([...now.byName.keys()].filter((name) => now.text(name) !== old.text(name)));
  const found = now.defects(names);
  if (found.length === 0) return [];
  const known = new Map<string, number>();
  const id = ({ rule, name, key }: Defect) => JSON.stringify([rule, name, key]);
  for (const defect of old.defects(names)) {
    known.set(id(defect), (known.get(id(defect)) ?? 0) + 1);
  }
  const seen = new Map<string, number>();
  return found.flatMap((defect) => {
    const times = (seen.get(id(defect)) ?? 0) + 1;
    seen.set(id(defect), times);
    if (times <= (known.get(id(defect)) ?? 0)) return [];
    const { rule, severity, name, at, key, message, reason } = defect;
    const names = after.profile.value.syscalls[at]?.names ?? [];
    const draft: Draft = {
      ...NOTHING,
      rule,
      severity,
      effect: 'none',
      call: name,
      message,
      reason,
      place: after.places(['syscalls', at, 'names', names.lastIndexOf(name)]),
    };
    return [{ draft, key: times === 1 ? key : `${key} ${times}` }];
  });
}

const OUR_ARCHES = new Set(['amd64', 'x86', 'x32', 'arm64', 'arm']);

function isPassing({ action }: Rule): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

function inWords(rule: Rule): string {
  const answer = ruleAnswer(rule).replace('SCMP_ACT_', '').replace('_', ' ').toLowerCase();
  return rule.args.length === 0 ? answer : `${answer} if ${conditionsText(rule.args)}`;
}

function gateText({ includes, excludes }: GatedRule): string {
  const asked = [includes, excludes].some(
    ({ caps, arches, minKernel }) => caps.length + arches.length > 0 || minKernel !== undefined,
  );
  return asked ? JSON.stringify([includes, excludes]) : '';
}

/** Whether `other` is there wherever `one` is. */
function holdsWith(other: Placed, one: Placed): boolean {
  return other.gate === one.gate || other.gate === '';
}

function decided<Made>(make: () => Made): Made | null {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof SysieveError && thrown.kind === 'input') return null;
    throw thrown;
  }
}

/** Of one side. What is dead here is so wherever its gate lets it hold. */
class Entries {
  private readonly architectures: Profile['architectures'];
  private readonly defaultRule: Rule;
  private readonly entries: readonly GatedRule[];
  readonly byName = new Map<string, Placed[]>();

  constructor(
    side: ProfileSide,
    private readonly engine: Engine,
  ) {
    const { architectures, archMap, defaultAction, defaultErrno, defaultErrnoRet, syscalls } =
      asGated(side);
    const listed = archMap.flatMap((one) => [one.architecture, ...one.subArchitectures]);
    this.architectures = [...architectures, ...listed].filter((arch) => abiOf(arch) !== null);
    this.defaultRule = this.plain(
      { action: defaultAction, errno: defaultErrno, errnoRet: defaultErrnoRet, args: [] },
      [],
    );
    this.entries = syscalls;
    syscalls.forEach((entry, at) => {
      const gate = gateText(entry);
      for (const name of entry.names) {
        const placed = { rule: this.plain(entry, [name]), at, gate };
        const here = this.byName.get(name);
        if (here === undefined) this.byName.set(name, [placed]);
        else here.push(placed);
      }
    });
  }

  /** As the engine reads it. */
  private plain(
    { action, errno, errnoRet, args }: Pick<GatedRule, 'action' | 'errno' | 'errnoRet' | 'args'>,
    names: string[],
  ): Rule {
    const named = errno && this.engine.name === 'podman' ? errno : null;
    const number = named === null ? errnoRet : (errnoNumber(named) ?? Number(named));
    return { names, action, args, ...(number === undefined ? {} : { errnoRet: number }) };
  }

  /** All that is said about a name: equal texts have equal defects. */
  text(name: string): string {
    const all = this.byName.get(name) ?? [];
    const rules = all.map(({ rule, gate }) => `${inWords(rule)} ${gate}`);
    return JSON.stringify([ruleAnswer(this.defaultRule), this.architectures, rules]);
  }

  defects(names: ReadonlySet<string>): Defect[] {
    const made: Defect[] = [];
    for (const [name, all] of this.byName) {
      if (!names.has(name)) continue;
      made.push(...this.unknown(name, all), ...this.skipped(name, all), ...this.dead(name, all));
    }
    return made;
  }

  private unknown(name: string, all: readonly Placed[]): Defect[] {
    if (ABIS.some((abi) => syscallNumber(abi, name) !== null)) return [];
    const one = all.find(({ at }) => {
      const arches = this.entries[at]?.includes.arches ?? [];
      return arches.length === 0 || arches.some((arch) => OUR_ARCHES.has(arch));
    });
    if (one === undefined) return [];
    return [
      {
        rule: 'name-unknown',
        severity: 'low',
        name,
        at: one.at,
        key: '',
        message: `${name} is no call that is known here: runtimes pass over the name in silence`,
        reason: 'misspelt, or a call of another architecture',
      },
    ];
  }

  private isSkipped({ rule }: Placed): boolean {
    return ruleAnswer(rule) === ruleAnswer(this.defaultRule);
  }

  private skipped(name: string, all: readonly Placed[]): Defect[] {
    return all
      .filter((one) => this.isSkipped(one))
      .map((one): Defect => {
        const { rule, at, gate } = one;
        const against = all.filter(
          (other) => isPassing(other.rule) !== isPassing(rule) && holdsWith(other, one),
        );
        const lost = against.some((other) => this.meet(name, rule, other.rule));
        return {
          rule: 'rule-without-effect',
          severity: lost ? 'medium' : 'note',
          name,
          at,
          key: `${inWords(rule)} ${gate}`,
          message: `runtimes skip "${inWords(rule)}" for ${name}, whose answer is the default's`,
          reason: lost
            ? `another rule ${isPassing(rule) ? 'refuses' : 'lets pass'} what it is for: no rule takes that back by naming the default's answer`
            : null,
        };
      });
  }

  /** Whether some call of the name is in both. */
  private meet(name: string, a: Rule, b: Rule): boolean {
    const kill = 'SCMP_ACT_KILL_PROCESS';
    const [first, second] = [a, b].map(({ args }) =>
      this.policy([{ names: [name], action: 'SCMP_ACT_ALLOW', args }], 'crun', kill),
    );
    if (first == null || second == null) return false;
    const common = intersection(first, second);
    return ABIS.some((abi) => {
      const number = syscallNumber(abi, name);
      const passes = ({ action }: Answer) => action === 'allow';
      return number !== null && findCall(common, { abi, number, constraints: [] }, passes) !== null;
    });
  }

  private dead(name: string, all: readonly Placed[]): Defect[] {
    const real = all.filter((one) => !this.isSkipped(one));
    if (real.length < 2) return [];
    const gates = new Set(real.map(({ gate }) => gate));
    return [...gates].flatMap((gate) => {
      // What holds wherever this gate lets something hold.
      const group = real.filter((one) => one.gate === gate || one.gate === '');
      return deadRules(group, (whole, without) => this.alike(whole, without))
        .filter(({ one }) => one.gate === gate)
        .map(({ one, how, by }): Defect => {
          const about = { name, at: one.at, key: `${inWords(one.rule)} ${gate}` };
          if (how === 'shadowed' && by !== null) {
            const lost = !isPassing(one.rule) && isPassing(by.rule);
            const first = isUnconditional(one.rule);
            return {
              ...about,
              rule: 'rule-shadowed',
              severity: lost ? 'medium' : 'note',
              message: `"${inWords(one.rule)}" for ${name} has no effect: another rule says "${inWords(by.rule)}" whatever the arguments are`,
              reason: `${first ? 'the first of two rules without conditions wins' : 'a rule without conditions erases those with conditions, in either order'}${
                lost ? '; what it is to refuse passes' : ''
              }`,
            };
          }
          return {
            ...about,
            rule: how === 'duplicate' ? 'rule-duplicate' : 'rule-without-effect',
            severity: 'note',
            message:
              how === 'duplicate'
                ? `another rule answers ${name} the same (${inWords(one.rule)})`
                : `"${inWords(one.rule)}" for ${name} has no effect: the other rules for it answer the same there`,
            reason: null,
          };
        });
    });
  }

  private alike(whole: readonly Placed[], without: readonly Placed[]): boolean {
    return (['runc', 'crun'] as const).every((runtime) => {
      const [a, b] = [whole, without].map((some) =>
        this.policy(
          some.map(({ rule }) => rule),
          runtime,
          this.defaultRule.action,
        ),
      );
      return a != null && b != null && equal(a, b);
    });
  }

  /** null: it cannot be decided, or is refused. */
  private policy(
    rules: readonly Rule[],
    runtime: 'runc' | 'crun',
    defaultAction: Rule['action'],
  ): Policy | null {
    const takesErrno = (action: string) => /_(ERRNO|TRACE)$/.test(action);
    const errno = ({ errnoRet, action }: Rule) =>
      errnoRet === undefined || !takesErrno(action) ? {} : { errnoRet };
    const profile = {
      defaultAction,
      ...(defaultAction === this.defaultRule.action && takesErrno(defaultAction)
        ? { defaultErrnoRet: this.defaultRule.errnoRet }
        : {}),
      architectures: this.architectures,
      syscalls: rules.map(({ errnoRet: _, ...rule }, at) => ({
        ...rule,
        ...errno(rules[at] as Rule),
      })),
    };
    return decided(() =>
      policyOfProfile(profile, { runtime, machine: 'x86_64', stubbed: new Map(), asWritten: true }),
    );
  }
}
