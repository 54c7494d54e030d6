/** Whether it is a privileged container, as a conclusion from what was found. */
import { capabilitySet } from './identity';
import { found, said, untold } from './lines';
import { unprotected } from './mounts';
import { hasOwn, inUserNamespace } from './namespaces';
import { parseMounts } from './parse';
import type { Line, ProcessFacts, SeccompFacts } from './types';

interface Sign {
  readonly sentence: string;
  /** null: cannot be told. */
  readonly holds: boolean | null;
}

/** null: the host's capabilities, or its own, are not told. */
function hasAllOfHost({ status, host }: ProcessFacts): boolean | null {
  const own = capabilitySet(status, 'CapBnd');
  const most = 'unread' in host.status ? null : capabilitySet(host.status.text, 'CapBnd');
  if (own === null || most === null) return null;
  return most.every((name) => own.includes(name));
}

/** null: there are filters, which were not read. */
function isOpen({ mode, filters }: SeccompFacts): boolean | null {
  if (mode !== 'filter') return mode === 'none';
  return filters === null ? null : filters.permitsAll;
}

function signs(facts: ProcessFacts, seccomp: SeccompFacts): Sign[] {
  const { mountinfo, host } = facts;
  const opened =
    hasOwn('mnt', facts) === false
      ? true
      : 'unread' in mountinfo
        ? null
        : unprotected(parseMounts(mountinfo.text), host.present).some(
            ({ severity }) => severity === 'high',
          );
  return [
    { sentence: 'its bounding set has every capability of the host', holds: hasAllOfHost(facts) },
    {
      sentence: 'no seccomp filter stands in its way',
      holds: isOpen(seccomp),
    },
    { sentence: '/proc or /sys is writable', holds: opened },
  ];
}

const NAME = 'privileged';

export function privilegedLine(facts: ProcessFacts, seccomp: SeccompFacts): Line {
  const all = signs(facts, seccomp);
  const holding = all.filter(({ holds }) => holds === true).map(({ sentence }) => sentence);
  const meaning = holding.length === 0 ? 'no sign of it holds' : holding.join('; ');
  if (all.some(({ holds }) => holds === false)) {
    return said('conclusion', { name: NAME, value: 'no', meaning });
  }
  if (all.some(({ holds }) => holds === null)) {
    return untold('conclusion', NAME, `of three signs not all can be read: ${meaning}`);
  }
  const inside = inUserNamespace(facts);
  if (hasOwn('mnt', facts) === false && hasOwn('pid', facts) === false) {
    return found('conclusion', {
      name: NAME,
      value: 'no container: a process of the host',
      meaning,
      rule: 'no-container',
      severity: 'high',
      remedy: 'Run it in a container if it is to be isolated',
    });
  }
  return found('conclusion', {
    name: NAME,
    value:
      inside === true
        ? 'yes, inside its user namespace'
        : hasOwn('mnt', facts) === null
          ? 'yes; whether it is in a container cannot be told'
          : 'yes',
    meaning: `${meaning}${inside === true ? '; on the host it has no capability' : ''}`,
    rule: 'privileged',
    severity: inside === true ? 'medium' : 'high',
    remedy: 'Start it without --privileged (privileged: true); add what it needs by name',
  });
}
