/** Which filters are installed, and what they mean. */
import { found, said, untold } from './lines';
import { statusField } from './parse';
import type { Line, ProcessFacts, SeccompFacts } from './types';

const PROFILE = 'Start it with a profile: --security-opt seccomp=FILE, or seccompProfile of a pod';

function modeLine({ mode }: SeccompFacts, status: string): Line {
  if (mode === 'none') {
    return found('seccomp', {
      name: 'mode',
      value: 'no filter',
      meaning: 'every system call of the kernel can be made',
      rule: 'no-seccomp',
      severity: 'high',
      remedy: `${PROFILE}; at least the default (RuntimeDefault)`,
    });
  }
  if (mode === 'strict') {
    const meaning = 'read, write, exit and sigreturn alone can be called';
    return said('seccomp', { name: 'mode', value: 'strict', meaning });
  }
  const count = statusField(status, 'Seccomp_filters');
  const value = count === null ? 'filters' : count === '1' ? '1 filter' : `${count} filters`;
  return said('seccomp', { name: 'mode', value, meaning: 'system calls are filtered' });
}

function policyLine({ mode, filters, unread }: SeccompFacts): Line[] {
  // Its mode says it all.
  if (mode === 'strict') return [];
  if (unread !== null) {
    const asked = unread.startsWith('--no-ptrace');
    const remedy = asked ? 'Leave --no-ptrace out' : undefined;
    return [untold('seccomp', 'policy', unread, remedy)];
  }
  if (filters === null) return [];
  if (filters.permitsAll) {
    return [
      found('seccomp', {
        name: 'policy',
        value: 'every call passes',
        meaning: 'there is a filter, and it refuses nothing',
        rule: 'filter-permits-all',
        severity: 'high',
        remedy: PROFILE,
      }),
    ];
  }
  const { equivalent } = filters;
  return [
    said('seccomp', {
      name: 'policy',
      value: equivalent === null ? 'no known default' : `the default of ${equivalent}`,
      meaning:
        equivalent === null
          ? "it means what no default of Docker or Podman means; CRI runtimes' own are not known"
          : 'what is installed means exactly this',
    }),
  ];
}

const VERDICTS = {
  identical: 'means what the profile means',
  equivalent: 'permits what the profile permits, and refuses in another way',
  narrows: 'permits less than the profile',
  widens: 'permits more than the profile',
  mixed: 'permits more than the profile, and less',
} as const;

function comparedLine({ compared }: SeccompFacts): Line[] {
  if (compared === null) return [];
  const { profile, verdict, differences } = compared;
  const name = 'profile';
  const alike = verdict === 'identical' || (verdict === 'equivalent' && differences.length === 0);
  const value = `${profile}: the filter ${alike ? VERDICTS.identical : VERDICTS[verdict]}`;
  if (alike) {
    const meaning = 'the committed profile is in force';
    return [said('seccomp', { name, value, meaning })];
  }
  const wider = verdict === 'widens' || verdict === 'mixed';
  const more = differences.length - 3;
  const text = differences.slice(0, 3).join('; ');
  return [
    found('seccomp', {
      name,
      value,
      meaning: text === '' ? 'see sysieve diff' : `${text}${more > 0 ? `; and ${more} more` : ''}`,
      rule: wider ? 'wider-than-profile' : 'other-than-profile',
      severity: wider ? 'high' : 'low',
      remedy: 'Start it anew with the committed profile; sysieve diff says all that differs',
      key: [profile],
    }),
  ];
}

function threadsLine({ otherThreads }: SeccompFacts): Line[] {
  if (otherThreads === 0) return [];
  const threads = otherThreads === 1 ? '1 thread' : `${otherThreads} threads`;
  return [
    found('seccomp', {
      name: 'threads',
      value: `${threads} under other filters than the main thread`,
      meaning: 'what is said of the filters does not hold for them',
      rule: 'threads-apart',
      severity: 'medium',
      remedy: 'Install filters with SECCOMP_FILTER_FLAG_TSYNC, or before there are threads',
    }),
  ];
}

export function seccompLines(seccomp: SeccompFacts, { status }: ProcessFacts): Line[] {
  return [
    modeLine(seccomp, status),
    ...policyLine(seccomp),
    ...comparedLine(seccomp),
    ...threadsLine(seccomp),
  ];
}
