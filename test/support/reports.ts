/** Reports made by hand, for tests of what shows them. */
import type { Finding, Report } from '../../src/review';

export function finding(parts: Partial<Finding> = {}): Finding {
  return {
    rule: 'call-widened',
    severity: 'high',
    effect: 'widens',
    abi: 'x86_64',
    call: 'mount',
    before: 'errno EPERM',
    after: 'allow',
    values: null,
    witness: { arch: 0xc000003e, nr: 165, args: ['0x0', '0x0', '0x0', '0x0', '0x0', '0x0'] },
    message: 'mount may be called',
    reason: null,
    cves: { opens: [], closes: [] },
    evidence: null,
    place: { file: 'profiles/web.json', line: 12, column: 9 },
    contexts: [],
    fingerprint: '0123456789abcdef',
    waiver: null,
    ...parts,
  };
}

export function diffReport(parts: Partial<Report> = {}): Report {
  return {
    subject: 'diff',
    before: 'main:profiles/web.json',
    after: 'profiles/web.json',
    verdict: 'widens',
    headlines: [],
    contexts: [],
    cves: { opens: [], closes: [] },
    findings: [],
    notes: [],
    ...parts,
  };
}

export function lintReport(parts: Partial<Report> = {}): Report {
  return diffReport({ subject: 'lint', before: null, verdict: null, ...parts });
}

const RUNC = 'x86_64, runc and crun';
const ADMIN = 'x86_64, runc and crun, CAP_SYS_ADMIN added';

/** One of everything that a diff says, as a reviewer would get it. */
export function sampleDiff(): Report {
  const both = [RUNC, ADMIN];
  const place = (line: number) => ({ file: 'profiles/web.json', line, column: 9 });
  return diffReport({
    verdict: 'mixed',
    contexts: [
      { label: RUNC, verdict: 'mixed' },
      { label: ADMIN, verdict: 'widens' },
    ],
    cves: { opens: ['CVE-2022-0185', 'CVE-2021-41073'], closes: ['CVE-2017-7308'] },
    findings: [
      finding({
        message: 'bpf passes, whatever its arguments are',
        call: 'bpf',
        reason: 'Tier 1: takes over the kernel or other processes.',
        contexts: [ADMIN],
        fingerprint: 'aaaa000000000001',
        place: place(14),
      }),
      ...(['x86_64', 'i386', 'x32'] as const).map((abi, index) =>
        finding({
          abi,
          message: 'io_uring_setup passes, whatever its arguments are',
          call: 'io_uring_setup',
          reason: 'Tier 2: opens the largest attack surface of the kernel.',
          cves: { opens: ['CVE-2021-41073'], closes: [] },
          contexts: both,
          place: place(20),
          fingerprint: `aaaa00000000001${index}`,
        }),
      ),
      finding({
        severity: 'medium',
        message: 'socket passes with more arguments',
        call: 'socket',
        before: 'allow for 2 alternatives',
        after: 'allow for 4 alternatives',
        values: {
          added: ['domain AF_NETLINK, type SOCK_RAW', 'domain AF_PACKET'],
          removed: [],
        },
        evidence: {
          why: ['observed'],
          executables: ['/usr/sbin/nginx', '/usr/bin/ip'],
          phases: ['startup'],
          justification: 'nginx -t asks for the interfaces',
        },
        contexts: both,
        place: place(31),
        fingerprint: 'aaaa000000000020',
      }),
      finding({
        rule: 'call-narrowed',
        severity: 'medium',
        effect: 'narrows',
        message: 'personality no longer passes with some arguments',
        call: 'personality',
        before: 'allow',
        after: 'errno EPERM',
        values: {
          added: [],
          removed: Array.from(
            { length: 11 },
            (_, index) => `persona 0x${(index * 8).toString(16)}`,
          ),
        },
        contexts: [RUNC],
        place: place(52),
        fingerprint: 'aaaa000000000030',
      }),
      finding({
        rule: 'denial-changed',
        severity: 'low',
        effect: 'denial',
        message: 'clone3 is refused in another way',
        call: 'clone3',
        before: 'errno EPERM',
        after: 'errno ENOSYS',
        contexts: both,
        place: place(60),
        fingerprint: 'aaaa000000000040',
      }),
      finding({
        rule: 'rule-duplicate',
        severity: 'note',
        effect: 'none',
        abi: null,
        call: null,
        before: null,
        after: null,
        witness: null,
        message: 'this rule says the same as the one in line 14',
        contexts: both,
        place: place(71),
        fingerprint: 'aaaa000000000050',
      }),
      finding({
        severity: 'medium',
        message: 'ptrace passes, whatever its arguments are',
        call: 'ptrace',
        contexts: both,
        place: place(80),
        fingerprint: 'aaaa000000000060',
        waiver: { reason: 'the crash handler needs it', expires: '2027-03-31' },
      }),
    ],
    notes: [
      'Names are those of Linux 6.16; an older libseccomp skips calls that it does not know.',
    ],
  });
}

/** What untrusted text may try in one format or another. */
export const HOSTILE = [
  '\u001b[2J\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007',
  '\u202egnp.exe\u2066',
  'a | b || c \\| d',
  '`one` ``two`` ```three',
  '</details></summary><img src=x onerror=alert(1)><script>alert(1)</script>',
  '@team and @octo/cat',
  'see #1, GH-1, octo/cat#1 and 0123456789abcdef0123456789abcdef01234567 or deadbeef',
  ']]> --> <!-- ]](https://evil.example) ![x](https://evil.example/x.png) www.evil.example',
  'first\nsecond\r\n::error file=x::owned\n##[error]owned',
  '::error::owned',
  '# heading\n\n- list\n1. one\n> quote',
  ':tada: $x^2$ *a* _b_ ~~c~~ [^1] {0} {{1}}',
  '%0A::error::owned%25',
  '" onmouseover="alert(1)" \' x',
  'n'.repeat(300),
  '日本語'.repeat(60),
  '\ud800 lone',
  '',
  ' ',
] as const;

/** Every text that a user or a file decides is `text`. */
export function hostileReport(text: string): Report {
  const found = (parts: Partial<Finding>) =>
    finding({
      call: text,
      before: text,
      after: text,
      message: text,
      reason: text,
      values: { added: [text, 'x'], removed: [text] },
      cves: { opens: [text], closes: [text] },
      evidence: { why: [text], executables: [text], phases: [text], justification: text },
      place: { file: text, line: 3, column: 5 },
      contexts: [text],
      ...parts,
    });
  return diffReport({
    before: text,
    after: text,
    headlines: [text],
    contexts: [
      { label: text, verdict: 'widens' },
      { label: 'x86_64', verdict: 'widens' },
    ],
    cves: { opens: [text], closes: [text] },
    findings: [
      found({}),
      found({ severity: 'medium', effect: 'narrows' }),
      found({ severity: 'low', effect: 'denial' }),
      found({ severity: 'note', effect: 'none' }),
      found({ waiver: { reason: text, expires: '2027-01-01' } }),
    ],
    notes: [text],
  });
}

/** So many findings that limits matter; the severe ones stand last in the list. */
export function largeReport(number: number): Report {
  return diffReport({
    findings: Array.from({ length: number }, (_, index) =>
      finding({
        severity:
          (['note', 'low', 'medium', 'high'] as const)[Math.floor((index * 4) / number)] ?? 'high',
        call: `call_${index}`,
        message: `call_${index} passes, whatever its arguments are`,
        fingerprint: index.toString(16).padStart(16, '0'),
        place: { file: 'profiles/web.json', line: index + 1, column: 9 },
      }),
    ),
  });
}
