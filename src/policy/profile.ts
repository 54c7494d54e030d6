/** The policy of an OCI profile: the filter that runc or crun, with libseccomp, install for it. */
import { SysieveError } from '../errors';
import { type Abi, abiOf, abisOfMachine, auditArch, ENOSYS, X32_BIT } from '../tables';
import { wordOf } from './answers';
import { type AbiCalls, abiCalls, numberOf } from './call-rules';
import { LAST, overlay, type Piece, piecesOf, piecewise } from './numbers';
import { type Policy, policyOf } from './policy';
import type { OciProfile } from './profile-shape';
import { defaultWord, type Rule, type Runtime, rulesOf } from './rules';
import { RULES_UNDECIDED, refuseMerged } from './undecided';
import { ARCH, NUMBER } from './variables';
import { type Node, Workspace } from './workspace';

export interface Context {
  readonly runtime: Runtime;
  readonly machine: 'x86_64' | 'aarch64';
  /**
   * The ABIs for which runc answers ENOSYS above the largest number that the profile names: those
   * it lists and the machine's own (runc ≥ 1.2, the default), or those it lists (runc 1.0, 1.1).
   */
  readonly enosys?: 'listed-and-native' | 'listed';
  /** What `stubbedAbove` says of the whole, where the profile is a part of it. */
  readonly stubbed?: ReadonlyMap<Abi, number>;
  /**
   * What the rules of each call say, also where libseccomp may mix up those of several calls; what is
   * undecided within one call stays an error. For reasoning about sets of calls; never for a profile
   * that is to be installed.
   */
  readonly asWritten?: boolean;
}

/**
 * `profile`: as parsed by src/profile. Throws SysieveError of kind input for a profile that the
 * runtime refuses and for what cannot be decided.
 */
export function policyOfProfile(profile: OciProfile, context: Context): Policy {
  const { runtime } = context;
  const fallback = defaultWord(profile, runtime);
  const rules = rulesOf(profile, fallback, runtime);
  const { native, listed, abis } = abisOf(profile, context);
  const workspace = new Workspace();
  const other = workspace.terminal(fallback);
  const calls = callsByArch(workspace, abis, rules, other);
  if (context.asWritten !== true) refuseUndecidable(calls, native);
  const largest = largestStubbed(profile, context, listed, abis);
  const archs = new Map<number, Node>();
  for (const [arch, made] of calls) {
    const here = made.map(({ abi }) => abi);
    const nodes = made.map((one) => one.nodes);
    const filter = withUnlisted(workspace, here, other, piecesOf(other, nodes));
    archs.set(arch, piecewise(workspace, NUMBER, withEnosys(workspace, here, largest, filter)));
  }
  const root = piecewise(workspace, ARCH, piecesOf(workspace.terminal(UNLISTED), [archs]));
  return policyOf(workspace, root);
}

/** Throws what policyOfProfile throws, but for what only the size of the whole can bring. */
export function refuseUndecidedProfile(profile: OciProfile, context: Context): void {
  const { runtime } = context;
  const fallback = defaultWord(profile, runtime);
  const { native, abis } = abisOf(profile, context);
  const workspace = new Workspace();
  const rules = rulesOf(profile, fallback, runtime);
  refuseUndecidable(callsByArch(workspace, abis, rules, workspace.terminal(fallback)), native);
}

/**
 * Under runc, the largest number named for each ABI whose higher numbers are answered ENOSYS; nothing
 * under crun. Two profiles with equal defaults and equal ABIs of which this is the same too differ in
 * nothing but the calls that they name differently; and a part of a profile that is given this of
 * the whole (Context.stubbed) means the same as the whole for the calls that it names.
 */
export function stubbedAbove(profile: OciProfile, context: Context): ReadonlyMap<Abi, number> {
  const { listed, abis } = abisOf(profile, context);
  return largestStubbed(profile, context, listed, abis);
}

interface Abis {
  readonly native: Abi;
  readonly listed: ReadonlySet<Abi>;
  /** Those that the filter has: the listed ones and the machine's own. */
  readonly abis: ReadonlySet<Abi>;
}

function abisOf(profile: OciProfile, context: Context): Abis {
  const listed = new Set(profile.architectures.map(abiOfArchitecture));
  const native = (abisOfMachine(context.machine) as readonly Abi[])[0] as Abi;
  return { native, listed, abis: new Set<Abi>([native, ...listed]) };
}

function callsByArch(
  workspace: Workspace,
  abis: ReadonlySet<Abi>,
  rules: readonly Rule[],
  other: Node,
): Map<number, AbiCalls[]> {
  const calls = new Map<number, AbiCalls[]>();
  for (const arch of new Set([...abis].map(auditArch))) {
    const here = [...abis].filter((abi) => auditArch(abi) === arch);
    calls.set(
      arch,
      here.map((abi) => abiCalls(workspace, abi, rules, other)),
    );
  }
  return calls;
}

function refuseUndecidable(calls: ReadonlyMap<number, readonly AbiCalls[]>, native: Abi): void {
  for (const made of calls.values()) refuseUnloaded(made, native);
  refuseMerged([...calls.values()].flat().flatMap(({ conditional }) => conditional));
}

function largestStubbed(
  profile: OciProfile,
  { runtime, enosys, stubbed }: Context,
  listed: ReadonlySet<Abi>,
  abis: ReadonlySet<Abi>,
): ReadonlyMap<Abi, number> {
  if (stubbed !== undefined) return stubbed;
  if (runtime !== 'runc') return new Map();
  return largestNamed(profile, enosys === 'listed' ? listed : abis);
}

/** libseccomp's answer to an ABI that the filter has not (SCMP_FLTATR_ACT_BADARCH). */
const UNLISTED = wordOf('kill_thread');

function abiOfArchitecture(name: string): Abi {
  const abi = abiOf(name);
  if (abi !== null) return abi;
  throw new SysieveError(
    'input',
    'architecture-without-table',
    `architectures: there is no table of the calls of ${name}`,
    { remedy: 'Leave it out where the machine cannot run it.' },
  );
}

/**
 * libseccomp's code for an architecture loads the number at the first call in its list, and leaves
 * that out with the call if the architecture has no such call (gen_bpf.c, _gen_bpf_syscalls). What
 * has an unconditional rule comes before what has conditions, and a call before what is none.
 */
function refuseUnloaded(calls: readonly AbiCalls[], native: Abi): void {
  // x86_64 or x32 alone are told apart by the number, which is loaded for that.
  if (calls.length === 1 && auditArch((calls[0] as AbiCalls).abi) === auditArch('x86_64')) return;
  const first = calls.filter(({ abi }) => abi === native);
  const listed = first.length > 0 ? first : calls;
  if (listed.every(({ unconditional }) => unconditional)) return;
  const real = calls.flatMap((made) => made.real)[0];
  const pseudo = calls.flatMap((made) => made.pseudo)[0];
  if (real === undefined || pseudo === undefined) return;
  const abis = calls.map(({ abi }) => abi).join(' and ');
  throw new SysieveError(
    'input',
    RULES_UNDECIDED,
    `${pseudo.place} and ${real.place}: what the rules for ${pseudo.name} and ${real.name} mean ` +
      `for ${abis} cannot be decided: libseccomp may compile the calls there without looking at ` +
      `their number, since ${pseudo.name} is no call there and no other has a rule without conditions`,
    { remedy: `Leave out ${pseudo.name}, or give some call of ${abis} a rule without conditions.` },
  );
}

/** x86_64 and x32 share an audit architecture: the numbers of the one that is not in the filter. */
function withUnlisted(
  workspace: Workspace,
  abis: readonly Abi[],
  other: Node,
  pieces: readonly Piece[],
): readonly Piece[] {
  const killed = workspace.terminal(UNLISTED);
  const x32 = abis.includes('x32');
  const plain = abis.includes('x86_64');
  if (plain && !x32) {
    // All from x32's first on but -1, to which a tracer sets a call it skips (gen_bpf.c).
    return overlay(overlay(pieces, X32_BIT, LAST, killed), LAST, LAST, other);
  }
  return x32 && !plain ? overlay(pieces, 0, X32_BIT - 1, killed) : pieces;
}

/**
 * runc's answer to calls newer than the profile (libcontainer/seccomp/patchbpf). It is not given
 * where the default lets calls pass or asks a tracer, nor for an ABI without a named number above 0.
 */
function largestNamed(profile: OciProfile, abis: ReadonlySet<Abi>): Map<Abi, number> {
  const largest = new Map<Abi, number>();
  if (/^SCMP_ACT_(ALLOW|LOG|TRACE)$/.test(profile.defaultAction)) return largest;
  for (const abi of abis) {
    let last = 0;
    for (const { names } of profile.syscalls) last = Math.max(last, largestOf(names, abi));
    if (last > 0) largest.set(abi, last);
  }
  return largest;
}

/** Entries live as long as the file they are from, and are asked about in every context. */
const LARGEST = new WeakMap<readonly string[], Map<Abi, number>>();

/** The largest number of these calls as runc counts them; 0: none has one. */
export function largestOf(names: readonly string[], abi: Abi): number {
  const known = LARGEST.get(names) ?? new Map<Abi, number>();
  LARGEST.set(names, known);
  let last = known.get(abi);
  if (last === undefined) {
    last = 0;
    for (const name of names) last = Math.max(last, numberOf(abi, name) ?? 0);
    known.set(abi, last);
  }
  return last;
}

/** The numbers that have, or have not, the x32 bit: two ranges each. */
const WITH_X32_BIT = [X32_BIT, 3 * X32_BIT];
const WITHOUT_X32_BIT = [0, 2 * X32_BIT];

function withEnosys(
  workspace: Workspace,
  abis: readonly Abi[],
  largest: ReadonlyMap<Abi, number>,
  pieces: readonly Piece[],
): readonly Piece[] {
  const enosys = workspace.terminal(wordOf('errno', ENOSYS));
  let made = pieces;
  for (const abi of abis) {
    const last = largest.get(abi);
    if (last === undefined) continue;
    if (auditArch(abi) !== auditArch('x86_64')) {
      made = overlay(made, last + 1, LAST, enosys);
      continue;
    }
    for (const start of abi === 'x32' ? WITH_X32_BIT : WITHOUT_X32_BIT) {
      made = overlay(made, Math.max(start, last + 1), start + X32_BIT - 1, enosys);
    }
  }
  return made;
}
