/** Two sides in every context that can matter: where the answers differ, and in which contexts. */
import { SysieveError } from '../errors';
import { type Answer, changes, family, isPassing, mayPass, type Policy } from '../policy';
import { MACHINES, type Machine } from '../tables';
import {
  boundaryGate,
  type ContextOptions,
  contextsOf,
  type DiffContext,
  gatesOf,
  mentionedMachines,
  RUNTIMES,
  type RuntimeName,
} from './contexts';
import { type CveStates, cveStates, cvesOf, namesOfCves } from './cves';
import type { Live, ProfileSide, Side } from './side';
import { type AnswerEffect, type Named, type TakenApart, takenApart } from './taken-apart';
import {
  asGated,
  type Engine,
  engineOf,
  type ProfileView,
  policyOfLive,
  policyOfView,
  profileView,
  refuseEntries,
  refuseUndecidedView,
  unconditionalCall,
} from './view';

/** What the two sides do in one context, and in every other that comes to the same. */
export interface Comparison extends TakenApart {
  readonly cves: CveStates;
  /** null: not a profile. */
  readonly before: ProfileView | null;
  readonly after: ProfileView | null;
}

export interface Compared {
  readonly context: DiffContext;
  readonly comparison: Comparison;
}

export interface Comparisons {
  readonly machines: readonly Machine[];
  readonly compared: readonly Compared[];
  /** A runtime with which a side cannot be installed at all; it is not compared. */
  readonly refusals: readonly {
    side: 'before' | 'after';
    error: SysieveError;
    runtime: RuntimeName;
  }[];
  readonly notes: readonly string[];
}

/** refused, left to somebody else, passes. */
function level(answer: Answer): 0 | 1 | 2 {
  if (isPassing(answer)) return 2;
  return mayPass(answer) ? 1 : 0;
}

export function effectOf(before: Answer, after: Answer): AnswerEffect {
  const change = level(after) - level(before);
  if (change > 0) return 'widens';
  if (change < 0) return 'narrows';
  return level(after) === 0 ? 'denial' : 'handling';
}

function liveOf(side: Side): Live | null {
  return side.kind === 'profile' ? null : side.live;
}

/** Texts of what a profile says apart from its entries. */
function frame(side: ProfileSide, engine: Engine): string {
  const { syscalls: _, ...rest } = asGated(side);
  return JSON.stringify([rest, engine]);
}

/** By name: a text for its entries, with their gates, in their order. */
function entriesByName(side: ProfileSide): Map<string, string> {
  const made = new Map<string, string>();
  for (const { names, ...rest } of asGated(side).syscalls) {
    const text = JSON.stringify(rest, (_key, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    for (const name of names) made.set(name, `${made.get(name) ?? ''}${text}`);
  }
  return made;
}

function differingKeys<K>(a: ReadonlyMap<K, unknown>, b: ReadonlyMap<K, unknown>): Set<K> {
  const keys = new Set<K>();
  for (const [key, value] of a) if (b.get(key) !== value) keys.add(key);
  for (const key of b.keys()) if (!a.has(key)) keys.add(key);
  return keys;
}

function profilesOf(sides: readonly Side[]): ProfileSide[] {
  return sides.filter((side) => side.kind === 'profile');
}

/** Which calls' gates matter: null stands for all. */
function concerned(before: Side, after: Side, engines: Engines): ReadonlySet<string> | null {
  if (before.kind !== 'profile' || after.kind !== 'profile') return null;
  if (frame(before, engines.before) !== frame(after, engines.after)) return null;
  return differingKeys(entriesByName(before), entriesByName(after));
}

interface Engines {
  readonly before: Engine;
  readonly after: Engine;
}

const ANY_ENGINE: Engine = { name: 'docker', version: null };

function enginesOf(before: Side, after: Side, chosen: Engine | null): Engines {
  const live = liveOf(after)?.engine ?? liveOf(before)?.engine ?? null;
  const engine = (side: Side): Engine =>
    side.kind === 'profile' ? engineOf(side, chosen ?? live) : ANY_ENGINE;
  return { before: engine(before), after: engine(after) };
}

/** The context that a live side fixes. Both live: that of the second, which then decides nothing. */
function liveContexts(live: Live, options: ContextOptions): DiffContext[] {
  const runtimes = options.runtimes ?? (live.runtime === null ? RUNTIMES : [live.runtime]);
  return runtimes.map((runtime) => ({
    machine: options.machines?.[0] ?? live.machine,
    runtime,
    capabilities: options.capabilities ?? live.capabilities,
    kernelVersion: options.kernelVersion ?? live.kernelVersion,
  }));
}

export interface CompareOptions extends ContextOptions {
  /** Whose reading of the gated format holds for files that do not say. */
  readonly engine?: Engine;
}

export function compare(before: Side, after: Side, options: CompareOptions = {}): Comparisons {
  const engines = enginesOf(before, after, options.engine ?? null);
  const live = liveOf(after) ?? liveOf(before);
  const profiles = profilesOf([before, after]);
  const notes: string[] = [];
  let machines: readonly Machine[];
  let contexts: DiffContext[];
  let names: ReadonlySet<string> | null = null;
  if (live !== null) {
    contexts = liveContexts(live, options);
    machines = [...new Set(contexts.map(({ machine }) => machine))];
  } else {
    machines = options.machines ?? mentioned(profiles, notes);
    names = concerned(before, after, engines);
    const asked = names;
    const gates = gatesOf(profiles.map(asGated), (name) => asked === null || asked.has(name));
    const boundary = boundaryGate(profiles.map(asGated), asked);
    // Whether a call is named then matters to others.
    if (boundary !== null) names = null;
    contexts = contextsOf(boundary === null ? gates : [...gates, boundary], machines, options);
  }
  return new Comparer(before, after, engines, options, names).run(machines, contexts, notes);
}

function mentioned(profiles: readonly ProfileSide[], notes: string[]): readonly Machine[] {
  const found = profiles.map((side) => mentionedMachines(asGated(side)));
  const all = MACHINES.filter((machine) => found.some((some) => some.includes(machine)));
  const both = all.filter((machine) => found.every((some) => some.includes(machine)));
  if (all.length === 0) {
    notes.push('neither side names an architecture: compared for x86_64; --arch compares others');
    return ['x86_64'];
  }
  if (both.length === 0 || both.length === all.length) return all;
  const left = all.filter((machine) => !both.includes(machine)).join(', ');
  notes.push(
    `compared for ${both.join(', ')}; one side alone names ${left}: --arch compares there`,
  );
  return both;
}

class Comparer {
  private readonly known = new Map<string, Comparison>();
  private readonly policies = new Map<string, Policy>();
  /** Of each machine and runtime the first comparison of the whole. */
  private readonly bases = new Map<string, Comparison>();
  private readonly refusals: {
    side: 'before' | 'after';
    error: SysieveError;
    runtime: RuntimeName;
  }[] = [];

  constructor(
    private readonly before: Side,
    private readonly after: Side,
    private readonly engines: Engines,
    private readonly options: CompareOptions,
    /** The calls whose rules can differ; null: all. */
    private readonly names: ReadonlySet<string> | null,
  ) {}

  run(
    machines: readonly Machine[],
    contexts: readonly DiffContext[],
    notes: readonly string[],
  ): Comparisons {
    const refused = new Set<RuntimeName>();
    const compared = contexts.flatMap((context): Compared[] => {
      if (refused.has(context.runtime)) return [];
      const comparison = this.at(context);
      if (comparison === null) {
        refused.add(context.runtime);
        return [];
      }
      return [{ context, comparison }];
    });
    const kept = compared.filter(({ context }) => !refused.has(context.runtime));
    const [first] = this.refusals;
    if (kept.length === 0 && first !== undefined) throw first.error;
    this.refuseUndecided(machines, refused);
    return { machines, compared: kept, refusals: this.refusals, notes };
  }

  /** null: a side cannot be installed with this runtime. */
  private at(context: DiffContext): Comparison | null {
    const before = this.view('before', context);
    const after = this.view('after', context);
    if (before === 'refused' || after === 'refused') return null;
    if (before !== null && after !== null) return this.ofProfiles(before, after);
    if (before === null && after === null) {
      return comparison(policyOfLive(this.live('before')), policyOfLive(this.live('after')), [
        null,
        null,
      ]);
    }
    return this.ofLive(context, before, after);
  }

  private live(which: 'before' | 'after'): Exclude<Side, ProfileSide> {
    return this[which] as Exclude<Side, ProfileSide>;
  }

  /** null: a live side. */
  private view(which: 'before' | 'after', context: DiffContext): ProfileView | 'refused' | null {
    const side = this[which];
    if (side.kind !== 'profile') return null;
    try {
      const names = this.namesFor(context.runtime);
      return profileView(side, context, this.engines[which], { names });
    } catch (thrown) {
      if (!(thrown instanceof SysieveError) || thrown.code !== 'profile-refused') throw thrown;
      this.refusals.push({ side: which, error: thrown, runtime: context.runtime });
      return 'refused';
    }
  }

  private readonly asked = new Map<RuntimeName, ReadonlySet<string> | null>();

  /**
   * All of them where the runtime refuses some entry in some context: in which it does then has to be
   * seen. CVEs are judged by their other calls as well, and calls by all that share their number.
   */
  private namesFor(runtime: RuntimeName): ReadonlySet<string> | null {
    const known = this.asked.get(runtime);
    if (known !== undefined || this.names === null) return known ?? null;
    const wanted = new Set([...this.names, ...namesOfCves(cvesOf(this.names))]);
    let names: ReadonlySet<string> | null = together(wanted, profilesOf([this.before, this.after]));
    try {
      for (const side of profilesOf([this.before, this.after])) refuseEntries(side, runtime);
    } catch (thrown) {
      if (!(thrown instanceof SysieveError)) throw thrown;
      names = null;
    }
    this.asked.set(runtime, names);
    return names;
  }

  private ofProfiles(before: ProfileView, after: ProfileView): Comparison {
    if (sameFrame(before, after)) {
      // Calls with the same rules are answered alike.
      return this.changing(before, after, differingKeys(before.rules, after.rules), null);
    }
    const where = `${before.context.machine} ${before.context.runtime}`;
    const base = this.bases.get(where);
    if (
      base?.before != null &&
      base.after != null &&
      sameFrame(base.before, before) &&
      sameFrame(base.after, after)
    ) {
      const changed = new Set([
        ...differingKeys(base.before.rules, before.rules),
        ...differingKeys(base.after.rules, after.rules),
      ]);
      return this.changing(before, after, changed, base);
    }
    const made = this.whole(before, after);
    if (base === undefined) this.bases.set(where, made);
    return made;
  }

  private whole(before: ProfileView, after: ProfileView): Comparison {
    return comparison(this.policy(before), this.policy(after), [before, after]);
  }

  private policy(view: ProfileView): Policy {
    const { context, side, rules, fallback, abis, stubbed } = view;
    const key = JSON.stringify([
      side === this.before,
      context,
      fallback,
      [...abis],
      [...stubbed],
      [...rules],
    ]);
    const policy = this.policies.get(key) ?? policyOfView(view, null);
    this.policies.set(key, policy);
    return policy;
  }

  /** `base`, but for the calls of these names; null: nothing else changes. */
  private changing(
    before: ProfileView,
    after: ProfileView,
    changed: ReadonlySet<string>,
    base: Comparison | null,
  ): Comparison {
    const rest: Comparison = base ?? { named: new Map(), nameless: [], cves: [], before, after };
    if (changed.size === 0) return rest;
    const concerned = cvesOf(changed);
    const sides = [before.side, after.side];
    const names = together(new Set([...changed, ...namesOfCves(concerned)]), sides);
    const key = partKey(names, before, after);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const old = policyOfView(before, names);
    const now = policyOfView(after, names);
    const found = takenApart(changes(old, now, effectOf)).named;
    const replaced = together(changed, sides);
    const named = new Map<string, readonly Named[]>();
    for (const [name, ones] of rest.named) if (!replaced.has(name)) named.set(name, ones);
    for (const [name, ones] of found) if (replaced.has(name)) named.set(name, ones);
    const ids = new Set(concerned.map(({ id }) => id));
    const made: Comparison = {
      named,
      nameless: rest.nameless,
      cves: [...rest.cves.filter(({ cve }) => !ids.has(cve.id)), ...cveStates(old, now, concerned)],
      before,
      after,
    };
    this.known.set(key, made);
    return made;
  }

  /** runc before 1.2 and later ones differ; which it was cannot be seen: the nearer one is taken. */
  private ofLive(
    context: DiffContext,
    before: ProfileView | null,
    after: ProfileView | null,
  ): Comparison {
    const side = (before?.side ?? after?.side) as ProfileSide;
    const engine = before === null ? this.engines.after : this.engines.before;
    const live = policyOfLive(this.live(before === null ? 'before' : 'after'));
    const variants = (['listed-and-native', 'listed'] as const).map((enosys) => {
      const view = profileView(side, context, engine, { enosys, names: null });
      const policy = policyOfView(view, null);
      return before === null
        ? comparison(live, policy, [null, view])
        : comparison(policy, live, [view, null]);
    });
    variants.sort((a, b) => weight(a) - weight(b));
    return variants[0] as Comparison;
  }

  /** What libseccomp makes of each side has to be decided in every context, not only in those compared. */
  private refuseUndecided(machines: readonly Machine[], refused: ReadonlySet<RuntimeName>): void {
    const seen = new Set<string>();
    for (const which of ['before', 'after'] as const) {
      const side = this[which];
      if (side.kind !== 'profile') continue;
      const gated = asGated(side);
      // What i386 has behind a multiplexer has the multiplexer's code as a condition.
      const conditional = together(
        new Set(
          gated.syscalls.flatMap(({ args, names }) =>
            args.length > 0 ? names : names.filter((name) => MULTIPLEXERS.has(family(name))),
          ),
        ),
        [side],
      );
      if (conditional.size === 0) continue;
      const gates = gatesOf([gated], (name) => conditional.has(name));
      for (const context of contextsOf(gates, machines, this.options)) {
        if (refused.has(context.runtime)) continue;
        let view: ProfileView;
        try {
          view = profileView(side, context, this.engines[which], { names: conditional });
        } catch (thrown) {
          // Said elsewhere.
          if (thrown instanceof SysieveError && thrown.code === 'profile-refused') continue;
          throw thrown;
        }
        const alone = unconditionalCall(view) === null ? which : '';
        const rules = [...view.rules].sort(([a], [b]) => (a < b ? -1 : 1));
        const key = JSON.stringify([[...view.abis], context.machine, view.fallback, rules, alone]);
        if (seen.has(key)) continue;
        seen.add(key);
        refuseUndecidedView(view, conditional);
      }
    }
  }
}

/** How much differs. */
function weight({ named, nameless }: Comparison): number {
  return [...named.values()].flat().length + nameless.length;
}

/** The same but for the rules of calls. */
function sameFrame(a: ProfileView, b: ProfileView): boolean {
  return (
    a.fallback.action === b.fallback.action &&
    a.fallback.data === b.fallback.data &&
    a.abis.size === b.abis.size &&
    [...a.abis].every((abi) => b.abis.has(abi)) &&
    differingKeys(a.stubbed, b.stubbed).size === 0
  );
}

/** With all that i386 answers under one number with one of them. */
function together(wanted: ReadonlySet<string>, sides: readonly ProfileSide[]): Set<string> {
  const names = new Set(wanted);
  const families = new Set([...names].map(family).filter((name) => MULTIPLEXERS.has(name)));
  if (families.size === 0) return names;
  for (const multiplexer of families) names.add(multiplexer);
  for (const side of sides) {
    for (const rule of side.profile.value.syscalls) {
      for (const name of rule.names) if (families.has(family(name))) names.add(name);
    }
  }
  return names;
}

const MULTIPLEXERS: ReadonlySet<string> = new Set(['socketcall', 'ipc']);

function partKey(names: ReadonlySet<string>, before: ProfileView, after: ProfileView): string {
  const rules = [...names]
    .sort()
    .map((name) => [name, before.rules.get(name) ?? '', after.rules.get(name) ?? '']);
  const frame = ({ fallback, abis, stubbed }: ProfileView) => [fallback, [...abis], [...stubbed]];
  return JSON.stringify([before.context.machine, frame(before), frame(after), rules]);
}

function comparison(
  before: Policy,
  after: Policy,
  views: readonly [ProfileView | null, ProfileView | null],
): Comparison {
  const found = takenApart(changes(before, after, effectOf));
  return {
    ...found,
    cves: cveStates(before, after, cvesOf(new Set(found.named.keys()))),
    before: views[0],
    after: views[1],
  };
}
