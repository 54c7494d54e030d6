/**
 * systemd: SystemCallFilter= and what belongs to it, for a [Service] section. As systemd 252 reads them
 * (src/core/load-fragment.c, src/shared/seccomp-util.c): one filter for each architecture, all others
 * killed; the group @default is in every list of permitted calls unless it is taken out again.
 */
import { abiOf, errnoName, type SystemdGroups, systemdGroups } from '../tables';
import {
  type CallRule,
  type CallRules,
  callRules,
  newerCalls,
  unsayable,
  type Verdict,
  verdictText,
  withoutArguments,
  wrapped,
} from './call-rules';
import { checkRuntimes } from './plain';
import type { Emitter } from './types';

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'x86-64',
  i386: 'x86',
  x32: 'x32',
  aarch64: 'arm64',
  arm: 'arm',
};

const REMEDY = 'Take a format that can (bpf, minijail), or change the profile.';

/** What stands behind the colon of a denied call; null: the default's own. */
function denial(source: string, { action, data }: Verdict, what: string): string {
  if (action === 'SCMP_ACT_KILL_PROCESS') return 'kill';
  if (action === 'SCMP_ACT_ERRNO' && data > 0) return errnoName(data) ?? `${data}`;
  throw unsayable(source, 'systemd', `${verdictText({ action, data })} for ${what}`, REMEDY);
}

function isAllow(rules: readonly CallRule[]): boolean {
  return rules[0]?.verdict.action === 'SCMP_ACT_ALLOW';
}

/** Groups whose calls are all permitted, the larger ones first; and the calls that are in none. */
function folded(names: readonly string[], groups: SystemdGroups): string[] {
  const permitted = new Set(names);
  const whole = [...groups]
    .filter(([, calls]) => calls.length > 1 && calls.every((call) => permitted.has(call)))
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  const covered = new Set<string>();
  const taken: string[] = [];
  for (const [group, calls] of whole) {
    if (calls.every((call) => covered.has(call))) continue;
    taken.push(group);
    for (const call of calls) covered.add(call);
  }
  return [...taken.sort(), ...names.filter((name) => !covered.has(name))];
}

function filterLines(source: string, rules: CallRules, groups: SystemdGroups): string[] {
  const { fallback, calls } = rules;
  for (const [name, alternatives] of calls) {
    if (alternatives.some(({ conditions }) => conditions.length > 0)) {
      throw unsayable(
        source,
        'systemd',
        `which arguments of ${name} pass`,
        'Permit it with all of them by --drop-arguments, or take a format that can (bpf, minijail).',
      );
    }
  }
  const denied = [...calls]
    .filter(([, alternatives]) => !isAllow(alternatives))
    .map(([name, [rule]]) => `${name}:${denial(source, (rule as CallRule).verdict, name)}`);
  const denials = wrapped('SystemCallFilter=~', denied, ' ');
  if (fallback.action === 'SCMP_ACT_ALLOW') return denials;
  const byDefault = denial(source, fallback, 'calls without a rule');
  const allowed = [...calls].filter(([, alternatives]) => isAllow(alternatives)).map(([n]) => n);
  return [
    `SystemCallErrorNumber=${byDefault}`,
    // The first line brings @default, whatever it holds in that version; the second takes it out.
    'SystemCallFilter=@default',
    'SystemCallFilter=~@default',
    ...wrapped('SystemCallFilter=', folded(allowed, groups), ' '),
    ...denials,
  ];
}

function architectures(source: string, listed: readonly string[]): string {
  if (listed.length === 0) return 'native';
  return listed
    .map((name) => {
      const word = ARCHITECTURES[abiOf(name) ?? ''];
      if (word === undefined)
        throw unsayable(source, 'systemd', `the architecture ${name}`, REMEDY);
      return word;
    })
    .sort()
    .join(' ');
}

export const systemd: Emitter = ([named], options) => {
  const { name, source, profile } = named;
  const notes: string[] = [];
  if (profile.flags !== undefined && profile.flags.length > 0) {
    notes.push(
      `${source}: systemd sets no flags of a filter: ${profile.flags.join(', ')} are left out`,
    );
  }
  let rules = callRules(profile, source);
  // None of them has what runc puts in front of a profile: what is written is crun's reading.
  checkRuntimes(named, options.runtime === 'crun' ? options : {});
  if (options.dropArguments === true) {
    const dropped = withoutArguments(rules);
    rules = dropped.rules;
    notes.push(...dropped.notes);
  }
  const groups: SystemdGroups =
    options.systemdGroups === undefined ? new Map() : systemdGroups(options.systemdGroups);
  const lines = filterLines(source, rules, groups);
  if (groups.size > 0) {
    notes.push('groups mean what they do in the version of systemd that the groups were read from');
  }
  notes.push(
    ...newerCalls(rules.fallback),
    `put it into ${name}.service.d/seccomp.conf and run systemctl daemon-reload; execve must be ` +
      'permitted, and what systemd itself calls between the filter and it',
  );
  const text = [
    `# The calls that ${name} may make. Written by sysieve for systemd 247 or newer; other filters of`,
    '# the unit (RestrictNamespaces=, MemoryDenyWriteExecute=, …) hold beside it.',
    '[Service]',
    // Later lines of a drop-in add to what the unit says: this starts anew.
    'SystemCallArchitectures=',
    `SystemCallArchitectures=${architectures(source, profile.architectures)}`,
    'SystemCallFilter=',
    ...lines,
    '',
  ].join('\n');
  return { files: [{ name: `${name}.conf`, data: text }], notes };
};
