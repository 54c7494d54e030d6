/** SELinux and AppArmor. */
import { found, said, untold } from './lines';
import type { Line, ProcessFacts } from './types';

const TOPIC = 'mandatory access control';

/** Types that container-selinux makes for what is not to be confined. */
const UNCONFINED = /^(?:unconfined|spc|container_runtime|kernel|init|initrc|unconfined_service)_t$/;

export interface SelinuxLabel {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  /** Sensitivity and categories, e.g. s0:c123,c456; empty without MLS. */
  readonly level: string;
}

/** null: no label as SELinux writes them. */
export function parseSelinuxLabel(text: string): SelinuxLabel | null {
  // The kernel ends it with a NUL.
  const match = /^([^:\0\n]+):([^:\0\n]+):([^:\0\n]+)(?::([^\0\n]+))?[\0\n]*$/.exec(text);
  if (match === null) return null;
  const [, user = '', role = '', type = '', level = ''] = match;
  return { user, role, type, level };
}

function modeLine(enforce: string): Line {
  if (enforce.trim() === '1') {
    const meaning = 'what the policy refuses is refused';
    return said(TOPIC, { name: 'SELinux', value: 'enforcing', meaning });
  }
  return found(TOPIC, {
    name: 'SELinux',
    value: 'permissive',
    meaning: 'what the policy refuses is logged, and done',
    rule: 'selinux-permissive',
    severity: 'medium',
    remedy: 'setenforce 1, and SELINUX=enforcing in /etc/selinux/config',
  });
}

function labelLine({ label }: ProcessFacts): Line {
  const name = 'SELinux label';
  if ('unread' in label) return untold(TOPIC, name, label.unread);
  const parsed = parseSelinuxLabel(label.text);
  if (parsed === null) return untold(TOPIC, name, 'the label is not one of SELinux');
  const { user, role, type, level } = parsed;
  const value = [user, role, type, level].filter((part) => part !== '').join(':');
  if (UNCONFINED.test(type)) {
    return found(TOPIC, {
      name,
      value,
      meaning: `${type} is not confined: the policy refuses it next to nothing`,
      rule: 'selinux-unconfined',
      severity: 'high',
      remedy: 'Start it without label=disable and privileged, so that it becomes container_t',
      key: [type],
    });
  }
  if (/^container(?:_\w+)?_t$/.test(type) && !/:c\d/.test(level)) {
    return found(TOPIC, {
      name,
      value,
      meaning: 'it has no category, so that containers without one reach the files of each other',
      rule: 'selinux-no-category',
      severity: 'low',
      remedy: 'Let the engine choose the level; in a pod leave seLinuxOptions.level out',
    });
  }
  return said(TOPIC, { name, value, meaning: `the policy confines it as ${type}` });
}

function selinuxLines(facts: ProcessFacts): Line[] {
  const { enforce } = facts.host;
  if (enforce === null) return [];
  if ('unread' in enforce) return [untold(TOPIC, 'SELinux', enforce.unread), labelLine(facts)];
  return [modeLine(enforce.text), labelLine(facts)];
}

function apparmorLines(facts: ProcessFacts): Line[] {
  const { apparmor, enforce } = facts.host;
  if (apparmor === null) return [];
  const name = 'AppArmor';
  if ('unread' in apparmor) return [untold(TOPIC, name, apparmor.unread)];
  if (apparmor.text.trim() !== 'Y') return [];
  // attr/current is of the first module that has it.
  if (enforce !== null) return [untold(TOPIC, name, 'SELinux has the label of the process', '')];
  if ('unread' in facts.label) return [untold(TOPIC, name, facts.label.unread)];
  const value = facts.label.text.replace(/[\0\n]+$/, '');
  const mode = / \((\w+)\)$/.exec(value)?.[1] ?? null;
  if (value === 'unconfined' || mode === 'unconfined') {
    return [
      found(TOPIC, {
        name,
        value,
        meaning: 'no profile confines it',
        rule: 'apparmor-unconfined',
        severity: 'medium',
        remedy: 'Start it with --security-opt apparmor=NAME; docker-default is the default',
      }),
    ];
  }
  if (mode === 'complain') {
    return [
      found(TOPIC, {
        name,
        value,
        meaning: 'what the profile refuses is logged, and done',
        rule: 'apparmor-complain',
        severity: 'medium',
        remedy: 'aa-enforce the profile',
      }),
    ];
  }
  return [said(TOPIC, { name, value, meaning: 'what the profile refuses is refused' })];
}

export function accessControlLines(facts: ProcessFacts): Line[] {
  const lines = [...selinuxLines(facts), ...apparmorLines(facts)];
  if (lines.length > 0) return lines;
  return [
    found(TOPIC, {
      name: 'SELinux, AppArmor',
      value: 'neither is there',
      meaning: 'nothing but namespaces, capabilities and seccomp stands in its way',
      rule: 'no-access-control',
      severity: 'low',
      remedy: 'Use a host with SELinux enforcing (as RHCOS has) or AppArmor',
    }),
  ];
}
