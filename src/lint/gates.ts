/** What the profile says and its target does not read. */
import type { JsonPath } from '../json';
import { contains } from '../policy';
import { type GatedProfile, resolveGatedProfile, unreadFields } from '../profile';
import { abiOf } from '../tables';
import { alone, conditionsText, isPassingAction, listText } from './ask';
import type { Draft, LintInput, Target } from './types';
import { engineOf, machinesOf, NEWEST_KERNEL } from './views';

const READERS: Record<Target, string> = {
  docker: 'Docker',
  podman: 'Podman',
  containerd: 'containerd',
  'cri-o': 'CRI-O',
  spo: 'a SeccompProfile resource',
};

type GatedRule = GatedProfile['syscalls'][number];

function isGated({ includes, excludes }: GatedRule): boolean {
  return [includes, excludes].some(
    (gate) => gate.caps.length > 0 || gate.arches.length > 0 || gate.minKernel !== undefined,
  );
}

function gateWords({ includes, excludes }: GatedRule): string {
  return (['includes', 'excludes'] as const)
    .flatMap((key) => {
      const gate = { includes, excludes }[key];
      const kernel = gate.minKernel === undefined ? [] : [`kernel ${gate.minKernel.join('.')}`];
      const said = [...gate.caps, ...gate.arches, ...kernel];
      return said.length === 0 ? [] : [`${key} ${said.join(', ')}`];
    })
    .join('; ');
}

export function ignored(input: LintInput): Draft[] {
  const { profile, target } = input;
  if (target === null) return [];
  const drafts = target === 'spo' ? outsideSpo(input) : [];
  if (profile.format === 'oci') return drafts;
  const engine = engineOf(profile.value, target);
  return [
    ...drafts,
    ...(engine === null
      ? plainReader(profile.value, READERS[target])
      : unread(profile.value, engine, READERS[target])),
  ];
}

/** containerd and SPO read no gate: every rule holds, whatever it is under. */
function plainReader(gated: GatedProfile, reader: string): Draft[] {
  const drafts: Draft[] = [];
  gated.syscalls.forEach((rule, index) => {
    const key = [
      rule.action,
      rule.errno ?? '',
      conditionsText(rule.args),
      gateWords(rule),
      ...rule.names,
    ];
    if (isGated(rule)) {
      const loosened = { ...rule, includes: NO_GATE, excludes: NO_GATE };
      const wider = widened(gated, rule, loosened, NEWEST_KERNEL);
      drafts.push({
        rule: 'gate-ignored',
        severity: wider.length > 0 ? 'high' : 'low',
        message: `${reader} reads no gate (${gateWords(rule)}): this rule holds always`,
        reason:
          wider.length > 0
            ? `without the gate's conditions these pass there, and not where gates are read: ${listText(wider)}`
            : 'no call passes because of that',
        path: ['syscalls', index, gateWords(rule).startsWith('includes') ? 'includes' : 'excludes'],
        key,
      });
    }
    if (rule.errno) drafts.push(errnoName(['syscalls', index, 'errno'], rule.errno, reader, key));
  });
  if (gated.defaultErrno) {
    drafts.push(errnoName(['defaultErrno'], gated.defaultErrno, reader, ['default']));
  }
  if (gated.archMap.length > 0) {
    drafts.push({
      rule: 'archmap-ignored',
      severity: 'medium',
      message: `${reader} reads no archMap: no architecture is listed there, and 32-bit code is killed at its first call`,
      reason: 'list the machine\'s ABIs in "architectures"',
      path: ['archMap'],
    });
  }
  return drafts;
}

function errnoName(path: JsonPath, name: string, reader: string, key: readonly string[]): Draft {
  return {
    rule: 'errno-name-ignored',
    severity: 'medium',
    message: `${reader} reads no errno by name: ${name} becomes what errnoRet says, or EPERM`,
    reason: 'give the number as errnoRet',
    path,
    key: [name, ...key],
  };
}

const KERNELS = [NEWEST_KERNEL, '0.1'];

/**
 * The rule's calls that pass once its gates are `loosened`, and not as it stands; for a container
 * without capabilities, on some machine.
 */
function widened(
  gated: GatedProfile,
  rule: GatedRule,
  loosened: GatedRule,
  kernelVersion: string,
): string[] {
  return [...new Set(rule.names)].filter((name) => {
    const named = gated.syscalls.filter(({ names }) => names.includes(name));
    return machinesOf(gated).some((machine) => {
      const read = (rules: GatedProfile['syscalls']) =>
        resolveGatedProfile(
          { ...gated, syscalls: rules },
          { engine: 'docker', capabilities: [], kernelVersion, architecture: machine },
        );
      const { architectures, syscalls, ...rest } = read(named);
      const known = architectures.filter((arch) => abiOf(arch) !== null);
      const view = { machine, profile: { ...rest, architectures: known, syscalls } };
      const more = read(named.map((one) => (one === rule ? loosened : one)));
      const less = alone(view, name, syscalls);
      const wide = alone(view, name, more.syscalls);
      if (wide === null || less === null) return isPassingAction(rule.action);
      return !contains(less, wide).holds;
    });
  });
}

const NO_GATE: GatedRule['includes'] = { caps: [], arches: [], minKernel: undefined };

function toPath(text: string): JsonPath {
  return text
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** Fields of the other engine. */
function unread(gated: GatedProfile, engine: 'docker' | 'podman', reader: string): Draft[] {
  const context = {
    engine,
    capabilities: [],
    kernelVersion: NEWEST_KERNEL,
    architecture: 'x86_64',
  } as const;
  return unreadFields(gated, context).map((text): Draft => {
    const path = toPath(text);
    const rule = typeof path[1] === 'number' ? gated.syscalls[path[1]] : undefined;
    const key = rule === undefined ? [] : [rule.action, conditionsText(rule.args), ...rule.names];
    if (path.at(-1) !== 'minKernel' || rule === undefined) {
      const value = rule?.errno ?? gated.defaultErrno ?? '';
      return errnoName(path, value, reader, rule === undefined ? ['default'] : key);
    }
    const gate = path.at(-2) as 'includes' | 'excludes';
    const loosened = { ...rule, [gate]: { ...rule[gate], minKernel: undefined } };
    const where = KERNELS.map((kernel) => widened(gated, rule, loosened, kernel).length > 0);
    return {
      rule: 'gate-ignored',
      severity: where[0] ? 'high' : where[1] ? 'medium' : 'low',
      message: `${reader} reads no minKernel: this rule holds on every kernel (${gateWords(rule)})`,
      reason: where[0]
        ? 'calls pass on current kernels that Docker refuses there'
        : where[1]
          ? 'calls pass on older kernels that Docker refuses there'
          : 'no call passes because of that',
      path,
      key: [gate, ...key],
    };
  });
}

const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const EPERM = 1;

/** What a SeccompProfile resource has no place for (security-profiles-operator, api/seccompprofile). */
function outsideSpo({ profile: { value } }: LintInput): Draft[] {
  const drafts: Draft[] = [];
  if (value.defaultErrnoRet !== undefined && value.defaultErrnoRet !== EPERM) {
    drafts.push({
      rule: 'spo-default-errno',
      severity: 'medium',
      message: `a SeccompProfile resource has no defaultErrnoRet: calls are refused with EPERM there, not errno ${value.defaultErrnoRet}`,
      path: ['defaultErrnoRet'],
      key: [String(value.defaultErrnoRet)],
    });
  }
  value.syscalls.forEach((rule, index) => {
    rule.args.forEach((condition, place) => {
      for (const field of ['value', 'valueTwo'] as const) {
        if (condition[field] <= INT64_MAX) continue;
        drafts.push({
          rule: 'spo-value',
          severity: 'high',
          call: rule.names[0] as string,
          message: `a SeccompProfile resource takes no value above 2^63 - 1, as ${field} 0x${condition[field].toString(16)} of argument ${condition.index} is`,
          path: ['syscalls', index, 'args', place, field],
          key: [rule.action, conditionsText(rule.args), field, ...rule.names],
        });
      }
    });
  });
  return drafts;
}
