/** As whom it runs, capabilities and no_new_privs. */
import type { Severity } from '../review';
import { CAPABILITIES, capabilityNames, ENGINE_CAPABILITIES } from '../tables';
import { found, listed, said, untold } from './lines';
import { inUserNamespace } from './namespaces';
import { idInside, isIdentity, parseIdMap, statusField, statusIds } from './parse';
import type { Line, ProcessFacts } from './types';

/** Outside the map: the kernel shows the overflow id for it. */
const ids = (map: ProcessFacts['uidMap'], outside: number): number | null =>
  'unread' in map ? null : idInside(parseIdMap(map.text), outside);

function mapText(map: ProcessFacts['uidMap']): string | null {
  if ('unread' in map) return null;
  const ranges = parseIdMap(map.text);
  if (ranges.length === 0) return 'none';
  if (isIdentity(ranges)) return 'identity';
  return listed(
    ranges.map(({ inside, outside, length }) =>
      length === 1
        ? `${inside} is ${outside}`
        : `${inside}-${inside + length - 1} are ${outside}-${outside + length - 1}`,
    ),
    4,
  );
}

const NON_ROOT = 'Set USER in the image, --user, or runAsNonRoot: true with runAsUser';

function userLine(facts: ProcessFacts): Line {
  const uids = statusIds(facts.status, 'Uid');
  const gids = statusIds(facts.status, 'Gid');
  if (uids === null || gids === null) return untold('user', 'user', 'status has no ids');
  const [, outside] = uids as [number, number, number, number];
  const [, gid] = gids as [number, number, number, number];
  const inside = ids(facts.uidMap, outside);
  if (inside === null) {
    const why = 'unread' in facts.uidMap ? facts.uidMap.unread : `${outside} is not in its uid_map`;
    return outside === 0
      ? rootOnHost(`uid 0 on the host (inside: ${why})`)
      : untold('user', 'user', `uid ${outside} on the host; ${why}`);
  }
  const group = ids(facts.gidMap, gid);
  const value = `uid ${inside}, gid ${group ?? 'unmapped'} (on the host uid ${outside}, gid ${gid})`;
  if (outside === 0) return rootOnHost(value);
  // Any of them can be taken again.
  if (uids.includes(0)) {
    return rootOnHost(`${value}; real, saved or file system uid is 0 on the host`);
  }
  if (inside === 0) {
    const meaning = 'root inside its user namespace, an ordinary user on the host';
    return said('user', { name: 'user', value, meaning });
  }
  return said('user', { name: 'user', value, meaning: 'not root, neither inside nor on the host' });
}

function rootOnHost(value: string): Line {
  return found('user', {
    name: 'user',
    value,
    meaning: 'what it escapes to, it is root there',
    rule: 'root',
    severity: 'medium',
    remedy: NON_ROOT,
  });
}

function mappingLine(facts: ProcessFacts): Line {
  const uid = mapText(facts.uidMap);
  const gid = mapText(facts.gidMap);
  if (uid === null || gid === null) {
    const unread = 'unread' in facts.uidMap ? facts.uidMap : facts.gidMap;
    return untold('user', 'id mapping', 'unread' in unread ? unread.unread : 'no map');
  }
  const value = `uid ${uid}; gid ${gid}`;
  const map = 'unread' in facts.uidMap ? [] : parseIdMap(facts.uidMap.text);
  if (inUserNamespace(facts) && map.some(({ outside }) => outside === 0)) {
    return found('user', {
      name: 'id mapping',
      value,
      meaning: 'an id inside is root on the host, so that the user namespace protects little',
      rule: 'root-mapped',
      severity: 'medium',
      remedy: 'Map ids that no user of the host has, as in /etc/subuid',
    });
  }
  const meaning =
    uid === 'identity' ? 'ids inside are those of the host' : 'ids inside are others on the host';
  return said('user', { name: 'id mapping', value, meaning });
}

function groupsLine({ status, gidMap }: ProcessFacts): Line {
  const text = statusField(status, 'Groups');
  if (text === null) return untold('user', 'further groups', 'status has no line Groups');
  const groups = text === '' ? [] : text.split(/\s+/).map(Number);
  if (groups.includes(0) && statusIds(status, 'Uid')?.[1] !== 0) {
    return found('user', {
      name: 'further groups',
      value: `${listed(groups.map(String))} on the host`,
      meaning: 'files of the group root are open to it',
      rule: 'root-group',
      severity: 'low',
      remedy: 'Leave group 0 out of supplementalGroups or --group-add',
    });
  }
  const inside = groups.map((group) => ids(gidMap, group) ?? `${group} (host)`);
  return said('user', {
    name: 'further groups',
    value: groups.length === 0 ? 'none' : listed(inside.map(String)),
    meaning: groups.length === 0 ? 'no rights by groups' : 'it has the rights of these groups',
  });
}

export function userLines(facts: ProcessFacts): Line[] {
  return [userLine(facts), mappingLine(facts), groupsLine(facts), newPrivilegesLine(facts)];
}

function newPrivilegesLine({ status }: ProcessFacts): Line {
  const value = statusField(status, 'NoNewPrivs');
  const name = 'no_new_privs';
  if (value !== '0' && value !== '1') {
    const old = 'status has no line NoNewPrivs, which Linux 4.10 brought';
    return untold('user', name, old, 'Use a newer kernel');
  }
  if (value === '1') {
    const meaning = 'no execve gives it more rights';
    return said('user', { name, value: 'set', meaning });
  }
  return found('user', {
    name,
    value: 'not set',
    meaning: 'set-uid programs and file capabilities give it more rights',
    rule: 'new-privileges',
    severity: 'low',
    remedy: 'Use --security-opt no-new-privileges, or allowPrivilegeEscalation: false',
  });
}

/** What a capability outside the usual ones is good for to whom wants out. */
const RISKY: Readonly<Record<string, readonly [Severity, string]>> = {
  CAP_SYS_ADMIN: ['high', 'mounts and namespaces'],
  CAP_SYS_MODULE: ['high', 'loads kernel modules'],
  CAP_SYS_RAWIO: ['high', 'I/O ports and raw memory'],
  CAP_SYS_PTRACE: ['high', 'takes over other processes'],
  CAP_DAC_READ_SEARCH: ['high', 'opens any file by handle'],
  CAP_BPF: ['high', 'loads BPF programs'],
  CAP_SYS_BOOT: ['high', 'reboots, and loads kernels'],
  CAP_MAC_ADMIN: ['high', 'changes mandatory access control'],
  CAP_MAC_OVERRIDE: ['high', 'overrides mandatory access control'],
  CAP_NET_ADMIN: ['medium', 'changes networks and firewalls'],
  CAP_PERFMON: ['medium', 'observes the kernel and all processes'],
  CAP_SYSLOG: ['medium', 'kernel addresses and messages'],
  CAP_SYS_TIME: ['medium', 'sets the clock of the host'],
  CAP_CHECKPOINT_RESTORE: ['medium', 'chooses pids, and reads memory maps'],
  CAP_LINUX_IMMUTABLE: ['medium', 'immutable files'],
  CAP_AUDIT_CONTROL: ['medium', 'changes auditing'],
  CAP_NET_RAW: ['low', 'forges packets'],
  CAP_MKNOD: ['low', 'makes device nodes'],
};
const LOWER: Readonly<Record<Severity, Severity>> = {
  high: 'medium',
  medium: 'low',
  low: 'note',
  note: 'note',
};

const SETS = [
  ['effective', 'CapEff', 'what it may do now'],
  ['permitted', 'CapPrm', 'what it may make effective'],
  ['bounding', 'CapBnd', 'what execve can give it at most'],
  ['inheritable', 'CapInh', 'what execve can keep with file capabilities'],
  ['ambient', 'CapAmb', 'what execve keeps for ordinary programs'],
] as const;

export function capabilitySet(status: string, field: string): string[] | null {
  const hex = statusField(status, field);
  return hex !== null && /^[0-9a-f]{1,16}$/.test(hex) ? capabilityNames(hex) : null;
}

function setText(names: readonly string[]): string {
  const all = ENGINE_CAPABILITIES.docker;
  if (names.length === 0) return 'none';
  if (CAPABILITIES.every((name) => names.includes(name))) return `all ${names.length}`;
  const has = all.every((name) => names.includes(name));
  const more = names.filter((name) => !all.includes(name));
  if (has && more.length === 0) return `${names.length}, Docker's default`;
  if (has && more.length < 8) return `${names.length}: Docker's default and ${more.join(', ')}`;
  return `${names.length}: ${listed(names, 5)}`;
}

function setLine(
  status: string,
  [title, field, meaning]: (typeof SETS)[number],
  left: boolean,
): Line {
  const names = capabilitySet(status, field);
  if (names === null) {
    return untold('capabilities', title, `status has no line ${field}`, 'Use a newer kernel');
  }
  const value = setText(names);
  if (!left || names.length === 0) return said('capabilities', { name: title, value, meaning });
  return found('capabilities', {
    name: title,
    value,
    meaning: `${meaning}; engines leave this set empty for a good reason (CVE-2022-24769)`,
    rule: 'inheritable-capabilities',
    severity: 'low',
    remedy: 'Start it with an engine that leaves the set empty, Docker from 20.10.14 on',
    key: names,
  });
}

function riskyLines(facts: ProcessFacts): Line[] {
  const effective = new Set(
    ['CapEff', 'CapPrm', 'CapAmb'].flatMap((field) => capabilitySet(facts.status, field) ?? []),
  );
  const bounding = capabilitySet(facts.status, 'CapBnd') ?? [];
  const noNew = statusField(facts.status, 'NoNewPrivs') === '1';
  const all = CAPABILITIES.filter((name) => effective.has(name) || bounding.includes(name));
  const held = new Map<Severity, string[]>();
  for (const name of all) {
    const risk = RISKY[name];
    // no execve can give what only the bounding set has, unless the process is root.
    if (risk === undefined || (!effective.has(name) && noNew)) continue;
    const steps = [inUserNamespace(facts) === true, !effective.has(name)].filter((one) => one);
    const severity = steps.reduce((now: Severity) => LOWER[now], risk[0]);
    held.set(severity, [...(held.get(severity) ?? []), name]);
  }
  return [...held].map(([severity, names]) =>
    found('capabilities', {
      name: 'risky',
      value: names.map((name) => `${name} (${RISKY[name]?.[1]})`).join(', '),
      meaning:
        inUserNamespace(facts) === true
          ? 'they hold over what its user namespace owns'
          : 'they hold over the host, as far as namespaces and other limits let them',
      rule: 'risky-capability',
      severity,
      remedy: 'Drop all capabilities, add what it needs: --cap-drop ALL --cap-add NAME',
      key: names,
    }),
  );
}

export function capabilityLines(facts: ProcessFacts): Line[] {
  const ambient = capabilitySet(facts.status, 'CapAmb') ?? [];
  return [
    // Ambient ones are inheritable, too.
    ...SETS.map((set) => setLine(facts.status, set, set[1] === 'CapInh' && ambient.length === 0)),
    ...riskyLines(facts),
  ];
}
