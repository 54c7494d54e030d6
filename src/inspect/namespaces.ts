/** Which namespaces are its own, and with whom it shares the others. */
import type { Severity } from '../review';
import { found, listed, said, untold } from './lines';
import { isIdentity, parseIdMap } from './parse';
import { type Line, NAMESPACES, type NamespaceName, type ProcessFacts } from './types';

interface Meaning {
  /** Shared with the host. */
  readonly shared: string;
  readonly own: string;
  readonly severity: Severity;
  readonly remedy: string;
}

const MEANINGS: Readonly<Record<NamespaceName, Meaning>> = {
  cgroup: {
    shared: 'it sees where its cgroups lie on the host',
    own: 'it sees its own cgroups as the root',
    severity: 'low',
    remedy: 'Start it with --cgroupns=private; Kubernetes does so on cgroup v2',
  },
  ipc: {
    shared: 'it can read and write shared memory and queues of host processes',
    own: 'shared memory and queues are its own',
    severity: 'medium',
    remedy: 'Start it without --ipc=host, a pod without hostIPC: true',
  },
  mnt: {
    shared: 'it has the file systems of the host',
    own: 'it has file systems of its own; the mounts say which',
    severity: 'high',
    remedy: 'Run it in a container, or with unshare --mount and a root of its own',
  },
  net: {
    shared: 'it reaches services on localhost, and abstract sockets, and can listen on any port',
    own: 'it has interfaces, ports and abstract sockets of its own',
    severity: 'medium',
    remedy: 'Start it without --network=host, a pod without hostNetwork: true',
  },
  pid: {
    shared: 'it sees the processes of the host and, as the same user, can signal and trace them',
    own: 'it sees its own processes alone',
    severity: 'high',
    remedy: 'Start it without --pid=host, a pod without hostPID: true',
  },
  time: {
    shared: 'boot and monotonic clocks are those of the host, as in nearly every container',
    own: 'boot and monotonic clocks are its own',
    severity: 'note',
    remedy: '',
  },
  user: {
    shared: 'an id inside is the same id on the host: root inside is root on the host',
    own: 'its ids and capabilities hold inside only',
    severity: 'low',
    remedy: 'Use user namespaces: --userns=auto (podman), userns-remap (docker), hostUsers: false',
  },
  uts: {
    shared: 'it has the host name of the host and, with CAP_SYS_ADMIN, can change it',
    own: 'it has a host name of its own',
    severity: 'low',
    remedy: 'Start it without --uts=host',
  },
};

const TITLES: Readonly<Partial<Record<NamespaceName, string>>> = { mnt: 'mount', net: 'network' };

function sharers({ containers, others }: ProcessFacts['namespaces']['pid']['neighbours']): string {
  const parts = [
    containers.length === 0
      ? ''
      : `${containers.length === 1 ? 'container' : 'containers'} ${listed(
          containers.map((id) => id.slice(0, 12)),
        )}`,
    others === 0 ? '' : `${others} ${others === 1 ? 'process' : 'processes'} of no container`,
  ].filter((part) => part !== '');
  return parts.join(' and ');
}

function line(name: NamespaceName, facts: ProcessFacts): Line {
  const { own, host, neighbours } = facts.namespaces[name];
  const title = `${TITLES[name] ?? name} namespace`;
  if ('unread' in own) return untold('namespaces', title, own.unread);
  const { shared, own: meaning, severity, remedy } = MEANINGS[name];
  if (host.includes(own.inode)) {
    const value = `shared with the host (${own.inode})`;
    if (name === 'time') return said('namespaces', { name: title, value, meaning: shared });
    const rule = 'host-namespace';
    return found('namespaces', {
      ...{ name: title, value, meaning: shared, rule, severity, remedy, key: [name] },
    });
  }
  const { containers, others } = neighbours;
  if (containers.length > 0) {
    return found('namespaces', {
      name: title,
      value: `shared with ${sharers(neighbours)} (${own.inode})`,
      meaning: 'what is in it is seen and changed by all that share it; in a pod this is usual',
      rule: 'shared-namespace',
      severity: 'note',
      remedy: 'Give each container its own where they need not trust each other',
      key: [name],
    });
  }
  const also = others === 0 ? '' : `, also of ${sharers(neighbours)}`;
  return said('namespaces', { name: title, value: `own (${own.inode})${also}`, meaning });
}

export function namespaceLines(facts: ProcessFacts): Line[] {
  const lines = NAMESPACES.map((name) => line(name, facts));
  if (facts.onHost) return lines;
  const reason = 'sysieve runs in a pid namespace itself: "host" means what is around sysieve';
  return [
    ...lines,
    untold('namespaces', 'host', reason, 'Run sysieve in the pid namespace of the host'),
  ];
}

/** Whether it is in another user namespace than the host; null: cannot be told. */
export function inUserNamespace({ namespaces, uidMap }: ProcessFacts): boolean | null {
  const { own, host } = namespaces.user;
  if (!('unread' in own)) return !host.includes(own.inode);
  return 'unread' in uidMap ? null : !isIdentity(parseIdMap(uidMap.text));
}

/** false: it shares the host's; null: cannot be told. */
export function hasOwn(name: NamespaceName, { namespaces }: ProcessFacts): boolean | null {
  const { own, host } = namespaces[name];
  return 'unread' in own ? null : !host.includes(own.inode);
}
