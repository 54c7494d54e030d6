/** Inspect on trees of /proc that this machine does not have, and on what may not be believed. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPosture } from '../../src/capture/posture';
import {
  inspect,
  type Line,
  type ProcessFacts,
  postureText,
  reportOf,
  type SeccompFacts,
} from '../../src/inspect';
import { parseSelinuxLabel } from '../../src/inspect/access-control';
import { hostPath } from '../../src/inspect/mounts';
import { idInside, parseIdMap, parseMounts } from '../../src/inspect/parse';
import { FORMATS, render } from '../../src/render';
import { ruleText } from '../../src/review/rules';

const TREES = path.join(__dirname, '../../fixtures/proc');
const TARGET = { label: 'container web', identity: 'container web', engine: 'docker' };

const FILTERED: SeccompFacts = {
  mode: 'filter',
  otherThreads: 0,
  filters: { equivalent: null, permitsAll: false },
  unread: null,
  compared: null,
};
const NONE: SeccompFacts = { ...FILTERED, mode: 'none', filters: null };

const scratch = mkdtempSync(path.join(tmpdir(), 'sysieve-inspect-unit-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let copies = 0;

/** A copy with the links of ns/, which lead nowhere outside a kernel and so are kept as a list. */
function treeOf(name: string): { proc: string; sys: string } {
  copies += 1;
  const dir = path.join(scratch, String(copies));
  cpSync(path.join(TREES, name), dir, { recursive: true });
  for (const pid of readdirSync(path.join(dir, 'proc'))) {
    const list = path.join(dir, 'proc', pid, 'namespaces');
    if (!existsSync(list)) continue;
    mkdirSync(path.join(dir, 'proc', pid, 'ns'));
    for (const link of readFileSync(list, 'utf8').trim().split('\n')) {
      symlinkSync(link, path.join(dir, 'proc', pid, 'ns', link.split(':')[0] as string));
    }
  }
  return { proc: path.join(dir, 'proc'), sys: path.join(dir, 'sys') };
}

const factsOf = (tree: string): ProcessFacts => readPosture(42, treeOf(tree));

function lineOf(lines: readonly Line[], topic: string, name: string): Line {
  const found = lines.find((line) => line.topic === topic && line.name === name);
  if (found === undefined) throw new Error(`no line ${topic}, ${name}`);
  return found;
}

const values = (lines: readonly Line[], topic: string) =>
  lines
    .filter((line) => line.topic === topic)
    .map(({ name, value, finding }) => `${finding?.severity ?? 'ok'} ${name}: ${value}`);

/** The same with one file of process 42 changed. */
function changed(tree: string, file: string, text: string): ProcessFacts {
  const roots = treeOf(tree);
  writeFileSync(path.join(roots.proc, '42', file), text);
  return readPosture(42, roots);
}

describe('a pod with SELinux enforcing and cgroup v2', () => {
  const lines = inspect(factsOf('selinux-enforcing'), FILTERED);

  test('who it is', () => {
    expect(values(lines, 'conclusion')).toEqual(['ok privileged: no']);
    expect(values(lines, 'user')).toEqual([
      'ok user: uid 1000650000, gid 0 (on the host uid 1000650000, gid 0)',
      'ok id mapping: uid identity; gid identity',
      'ok further groups: 1000650000',
      'ok no_new_privs: set',
    ]);
    expect(values(lines, 'capabilities')).toEqual(
      ['effective', 'permitted', 'bounding', 'inheritable', 'ambient'].map((n) => `ok ${n}: none`),
    );
  });

  test('the label, and that it is enforced', () => {
    expect(values(lines, 'mandatory access control')).toEqual([
      'ok SELinux: enforcing',
      'ok SELinux label: system_u:system_r:container_t:s0:c10,c25',
    ]);
  });

  test('the smallest limit of all levels, and that devices cannot be told', () => {
    const pod = 'kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice';
    expect(values(lines, 'cgroup').slice(0, 4)).toEqual([
      `ok path: v2: /${pod}/crio-${'a1'.repeat(32)}.scope`,
      'ok cpu: 0.5 CPUs',
      'ok memory: 128 MiB',
      'ok pids: 1024 tasks',
    ]);
    expect(lineOf(lines, 'cgroup', 'devices')).toMatchObject({ known: false, finding: null });
  });

  test('namespaces shared with the sandbox alone', () => {
    const other = 'b2'.repeat(6);
    for (const name of ['network', 'ipc', 'uts']) {
      const { value, finding } = lineOf(lines, 'namespaces', `${name} namespace`);
      expect(value).toMatch(new RegExp(`^shared with container ${other} \\(`));
      expect(finding).toMatchObject({ rule: 'inspect-shared-namespace', severity: 'note' });
    }
    for (const name of ['pid', 'mount', 'cgroup']) {
      expect(lineOf(lines, 'namespaces', `${name} namespace`).value).toMatch(/^own \(/);
    }
  });

  test('what is mounted of the host, and how it is masked', () => {
    expect(values(lines, 'mounts')).toEqual([
      'ok root file system: overlay, read-only',
      'note volume: /var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/cache of the host at /cache, writable',
      'note host path: /var/log/my app of the host at /logs, read-only',
      'ok /proc and /sys: masked',
      'ok propagation: from the host: /logs',
    ]);
  });
});

describe('a privileged container with SELinux permissive and cgroup v1', () => {
  const lines = inspect(factsOf('selinux-permissive'), NONE);

  test('the conclusion, and what it is drawn from', () => {
    const { finding, value, meaning } = lineOf(lines, 'conclusion', 'privileged');
    expect([finding?.severity, value]).toEqual(['high', 'yes']);
    expect(meaning.split('; ')).toHaveLength(3);
    const filtered = inspect(factsOf('selinux-permissive'), FILTERED);
    expect(lineOf(filtered, 'conclusion', 'privileged')).toMatchObject({ value: 'no' });
  });

  test('SELinux, cgroup and capabilities', () => {
    expect(values(lines, 'mandatory access control')).toEqual([
      'medium SELinux: permissive',
      'high SELinux label: unconfined_u:system_r:spc_t:s0',
    ]);
    expect(values(lines, 'cgroup')).toEqual([
      `ok path: v1: /machine.slice/libpod-${'a1'.repeat(32)}.scope`,
      'note cpu: no limit',
      'low memory: no limit',
      'ok pids: 2048 tasks',
      'high devices: all (a *:* rwm)',
    ]);
    expect(lineOf(lines, 'capabilities', 'bounding').value).toBe('all 41');
  });

  test('the root of the host, the socket, what is writable, propagation', () => {
    expect(values(lines, 'mounts')).toEqual([
      'note root file system: overlay, writable',
      'high host path: / of the host at /host, writable',
      'high engine socket: /run/podman/podman.sock of the host at /var/run/docker.sock, writable',
      'high /proc and /sys: /proc/sys writable, /proc/sysrq-trigger writable, /sys writable',
      'medium /proc and /sys: /proc/kcore not masked',
      'low /proc and /sys: /proc/keys not masked, /proc/timer_list not masked, /sys/firmware not masked, /proc/irq writable, /proc/bus writable, /proc/fs writable',
      'medium cgroup file system: writable: /sys/fs/cgroup/memory',
      'medium propagation: shared with the host: /host, /host/run',
    ]);
  });
});

describe('a user namespace with AppArmor', () => {
  const lines = inspect(factsOf('userns-apparmor'), FILTERED);

  test('ids inside and on the host', () => {
    expect(lineOf(lines, 'user', 'user')).toMatchObject({
      value: 'uid 100, gid 0 (on the host uid 100099, gid 1000)',
      finding: null,
    });
    expect(lineOf(lines, 'user', 'id mapping').value).toBe(
      'uid 0 is 1000, 1-65536 are 100000-165535; gid 0 is 1000, 1-65536 are 100000-165535',
    );
    expect(lineOf(lines, 'namespaces', 'user namespace').value).toMatch(/^own/);
  });

  test('ambient capabilities, risky ones weigh less, two filters, the profile', () => {
    expect(lineOf(lines, 'capabilities', 'ambient')).toMatchObject({
      value: '1: CAP_NET_BIND_SERVICE',
      finding: null,
    });
    expect(lineOf(lines, 'capabilities', 'risky').finding?.severity).toBe('note');
    expect(lineOf(lines, 'seccomp', 'mode').value).toBe('2 filters');
    expect(values(lines, 'mandatory access control')).toEqual([
      'ok AppArmor: docker-default (enforce)',
    ]);
  });

  test.each([
    ['unconfined\n', 'inspect-apparmor-unconfined'],
    ['docker-default (complain)\n', 'inspect-apparmor-complain'],
  ])('the profile %j', (text, rule) => {
    const others = inspect(changed('userns-apparmor', 'attr/current', text), FILTERED);
    const { finding } = lineOf(others, 'mandatory access control', 'AppArmor');
    expect(finding?.rule).toBe(rule);
  });
});

test('of the root of the host what lies on it is not said again, an engine socket is', () => {
  const text = [
    '500 1 259:4 / / rw - xfs /dev/x rw',
    '501 500 0:24 / /run rw - tmpfs tmpfs rw',
    '502 501 0:24 /podman/podman.sock /run/docker.sock rw - tmpfs tmpfs rw',
    '503 500 259:4 /srv /data rw - xfs /dev/x rw',
  ].join('\n');
  const lines = inspect(changed('selinux-permissive', 'mountinfo', text), FILTERED);
  const said = values(lines, 'mounts').filter((line) => !/\/proc|propagation/.test(line));
  expect(said).toEqual([
    'high root file system: that of the host',
    'high engine socket: /run/podman/podman.sock of the host at /run/docker.sock, writable',
    'low host path: /srv of the host at /data, writable',
  ]);
});

test.each([
  ['system_u:system_r:container_t:s0:c1,c2\0', 'container_t', 's0:c1,c2'],
  ['u:r:spc_t', 'spc_t', ''],
  ['docker-default (enforce)\n', null, null],
  ['', null, null],
])('the SELinux label %j', (text, type, level) => {
  const label = parseSelinuxLabel(text);
  expect([label?.type ?? null, label?.level ?? null]).toEqual([type, level]);
});

test('a container without a category', () => {
  const text = 'system_u:system_r:container_t:s0\0';
  const lines = inspect(changed('selinux-enforcing', 'attr/current', text), FILTERED);
  const { finding } = lineOf(lines, 'mandatory access control', 'SELinux label');
  expect(finding?.rule).toBe('inspect-selinux-no-category');
});

test('maps of ids', () => {
  const map = parseIdMap(
    '         0       1000          1\n         1     100000      65536\nnonsense\n',
  );
  expect(map).toHaveLength(2);
  expect([999, 1000, 1001, 100000, 165535, 165536].map((id) => idInside(map, id))).toEqual([
    ...[null, 0, null],
    ...[1, 65536, null],
  ]);
});

test('a path of the host by the mount that holds it', () => {
  const host = parseMounts(
    '1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 /home /srv/home rw - ext4 b rw\n3 1 8:2 / /mnt rw - ext4 b rw\n',
  );
  const path = (device: string, root: string) =>
    hostPath({ ...(host[0] as (typeof host)[number]), device, root }, host);
  expect(path('8:1', '/etc')).toBe('/etc');
  expect(path('8:1', '/')).toBe('/');
  expect(path('8:2', '/home/x')).toBe('/srv/home/x');
  expect(path('8:2', '/homes')).toBe('/mnt/homes');
  expect(path('8:3', '/')).toBeNull();
});

describe('what the kernel or a missing privilege hides', () => {
  const facts = factsOf('selinux-permissive');
  const unread = { unread: '/proc/42/x: not permitted' };
  const hidden: ProcessFacts = {
    ...facts,
    ...{ uidMap: unread, gidMap: unread, mountinfo: unread, label: unread },
    ...{ cgroups: unread, devices: unread, onHost: false },
    namespaces: Object.fromEntries(
      Object.entries(facts.namespaces).map(([name, one]) => [name, { ...one, own: unread }]),
    ) as unknown as ProcessFacts['namespaces'],
    host: { ...facts.host, status: unread, mountinfo: unread, enforce: unread },
  };

  test('is said to be unknown, with the reason, and never well', () => {
    const lines = inspect(hidden, { ...FILTERED, filters: null, unread: 'not permitted' });
    const topics = ['namespaces', 'mandatory access control', 'cgroup', 'mounts', 'devices'];
    for (const line of lines.filter(({ topic }) => topics.includes(topic))) {
      expect(line).toMatchObject({ known: false, finding: null });
      expect(line.value).toMatch(/^cannot tell: /);
      expect(line.remedy).not.toBeNull();
    }
    expect(lineOf(lines, 'seccomp', 'policy').known).toBe(false);
    const screen = { columns: 10_000, colour: false };
    const shown = postureText(TARGET.label, lines, [], [], screen);
    expect(shown).toMatch(
      /^ {2}untold cgroup namespace, ipc namespace, .*, uts namespace: cannot tell: /m,
    );
    const report = reportOf(lines, TARGET, []);
    expect(report.notes.length).toBe(lines.filter(({ known }) => !known).length);
  });

  test('privileged is not concluded from a part of the facts', () => {
    expect(inspect(hidden, NONE)[0]).toMatchObject({ topic: 'conclusion', known: false });
    const unasked = { ...FILTERED, filters: null, unread: '--no-ptrace was given' };
    expect(inspect(facts, unasked)[0]).toMatchObject({ topic: 'conclusion', known: false });
    expect(inspect(factsOf('selinux-enforcing'), unasked)[0]).toMatchObject({ value: 'no' });
    const policy = lineOf(inspect(facts, unasked), 'seccomp', 'policy');
    expect(policy.remedy).toBe('Leave --no-ptrace out');
  });
});

test('a process that is not there, or has ended', () => {
  const roots = { proc: path.join(TREES, 'selinux-enforcing/proc'), sys: '/sys' };
  expect(() => readPosture(44, roots)).toThrow('there is no process 44');
  expect(() => changed('selinux-enforcing', 'stat', '42 (a) b) Z 1 42')).toThrow('no process 42');
});

describe('filters', () => {
  const facts = factsOf('selinux-enforcing');
  const rules = (seccomp: SeccompFacts) =>
    reportOf(inspect(facts, seccomp), TARGET, []).findings.map(({ rule }) => rule);
  const compared = (verdict: NonNullable<SeccompFacts['compared']>['verdict'], more: string[]) => ({
    ...FILTERED,
    compared: { profile: 'web.json', verdict, differences: more },
  });

  test.each([
    ['none', NONE, 'inspect-no-seccomp'],
    [
      'one that refuses nothing',
      { ...FILTERED, filters: { equivalent: null, permitsAll: true } },
      'inspect-filter-permits-all',
    ],
    ['other threads', { ...FILTERED, otherThreads: 2 }, 'inspect-threads-apart'],
    ['wider', compared('widens', ['a']), 'inspect-wider-than-profile'],
    ['mixed', compared('mixed', ['a']), 'inspect-wider-than-profile'],
    ['narrower', compared('narrows', ['a']), 'inspect-other-than-profile'],
    ['refused otherwise', compared('equivalent', ['a']), 'inspect-other-than-profile'],
  ] as const)('%s', (_what, seccomp, rule) => {
    expect(rules(seccomp)).toContain(rule);
  });

  test('the profile in force', () => {
    expect(rules(compared('identical', []))).toEqual(rules(FILTERED));
    expect(rules(compared('equivalent', []))).toEqual(rules(FILTERED));
  });
});

describe('the report', () => {
  const lines = inspect(factsOf('selinux-permissive'), NONE);
  const report = reportOf(lines, TARGET, []);

  test('every rule has a text, and fingerprints tell findings and targets apart', () => {
    expect(report.headlines).toEqual(['container web is privileged: yes']);
    for (const { rule } of report.findings)
      expect([rule, ruleText(rule)]).not.toEqual([rule, null]);
    const prints = report.findings.map(({ fingerprint }) => fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    const other = reportOf(lines, { ...TARGET, identity: 'container db' }, []);
    expect(other.findings.map(({ fingerprint }) => fingerprint)).not.toContain(prints[0]);
  });

  test('names from inside cannot act on a terminal, nor in any format', () => {
    const evil = '\u001b[31m::error::x\u202e';
    const mounts = `500 1 0:9 / / rw - overlay overlay rw\n501 500 259:4 /${evil} /${evil} rw - xfs x rw\n`;
    const facts = changed('selinux-permissive', 'mountinfo', mounts);
    const those = inspect(facts, NONE);
    const whole = reportOf(those, TARGET, []);
    expect(whole.findings.some(({ message }) => message.includes(evil))).toBe(true);
    const options = { columns: 80, colour: false, tool: { name: 'sysieve', version: '0' } };
    const texts = [
      postureText(TARGET.label, those, whole.findings, [], options),
      ...FORMATS.map((format) => render(whole, format, options)),
    ];
    for (const text of texts) expect(text).not.toMatch(/[\u001b\u202e]/);
  });

  test('on a terminal: every line once, waived findings as such', () => {
    const waiver = { reason: 'known', expires: '2999-01-01' };
    const findings = report.findings.map((one) =>
      one.rule === 'inspect-privileged' ? { ...one, waiver } : one,
    );
    const text = postureText(TARGET.label, lines, findings, ['a note'], {
      columns: 10_000,
      colour: false,
    });
    expect(text).toMatch(/^ {2}waived privileged: yes;/m);
    expect(text).toMatch(/^ {2}high {3}mode: no filter; .* -> Start it with a profile/m);
    expect(text.endsWith('Note: a note\n')).toBe(true);
    for (const { value } of lines) expect(text).toContain(value);
  });
});

test('engines leave no capability inheritable', () => {
  const status = factsOf('userns-apparmor').status;
  const facts = {
    ...factsOf('userns-apparmor'),
    status: status
      .replace(/^CapInh:.*$/m, 'CapInh:\t00000000a80425fb')
      .replace(/^CapAmb:.*$/m, 'CapAmb:\t0000000000000000'),
  };
  expect(lineOf(inspect(facts, FILTERED), 'capabilities', 'inheritable').finding?.rule).toBe(
    'inspect-inheritable-capabilities',
  );
});
