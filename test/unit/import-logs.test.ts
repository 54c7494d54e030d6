/** Logs of strace, auditd and perf trace to recordings that say what the log could not tell. */
import { readdirSync, readFileSync } from 'node:fs';
import { SysieveError } from '../../src/errors';
import type { ImportOptions } from '../../src/import';
import { parseRecording, type Run, serializeRecording, UNKNOWN_EXTENT } from '../../src/recording';
import { randomOf } from '../support/oracle';
import { processorMs } from '../support/processor';
import { imported } from '../support/tool-profiles';

const LOGS = 'fixtures/logs';
const log = (name: string) => ({ source: name, text: readFileSync(`${LOGS}/${name}`, 'utf8') });
const SH = readdirSync(LOGS)
  .filter((name) => name.startsWith('sh.strace.'))
  .map(log);

type Inputs = string | readonly { source: string; text: string }[];

async function recorded(from: string, inputs: Inputs, options: ImportOptions = {}) {
  const made = await imported(from, inputs, options);
  if (made.kind !== 'recording') throw new Error(made.kind);
  // What is written is what the schema and its consistency allow.
  const { runs } = parseRecording(serializeRecording(made.recording), 'made');
  const [run] = runs;
  if (run === undefined) throw new Error('no run');
  return { run, notes: made.notes.join('\n') };
}

const whole: ImportOptions = { unfiltered: true };

/** Names with their counts, without the execve that starts the target, which is the runtime's. */
function counts(run: Run): Map<string, number> {
  return new Map(
    run.calls
      .filter(({ phases }) => phases.some((phase) => phase !== 'runtime'))
      .map(({ abi, number, name, count, phases }): [string, number] => [
        `${abi} ${name ?? number}`,
        phases.includes('runtime') ? count - 1 : count,
      ]),
  );
}

function own(name: string): Map<string, number> {
  const [run] = parseRecording(readFileSync(`${LOGS}/${name}`, 'utf8'), name).runs;
  return counts(run as Run);
}

const call = (run: Run, name: string) => run.calls.find((one) => one.name === name);

describe('strace, beside what sysieve recorded of the same command', () => {
  it.each<[what: string, inputs: Inputs, recording: string, executables: string[]]>([
    ['-f', [log('ls.strace')], 'ls.recording.json', ['/usr/bin/ls']],
    ['-ff', SH, 'sh.recording.json', ['/usr/bin/ls', '/usr/bin/sh', '/usr/bin/wc']],
    ['-f -n -e raw=all', [log('sh-raw.strace')], 'sh.recording.json', []],
    ['-f, threads and a child', [log('threads.strace')], 'threads.recording.json', ['./mt']],
    ['-f on standard error', [log('threads.stderr')], 'threads.recording.json', ['./mt']],
  ])('%s: the same calls', async (_, inputs, recording, executables) => {
    const { run } = await recorded('strace', inputs, whole);
    // Who waits for whom differs from run to run.
    const fixed = (found: Map<string, number>): string[] =>
      [...found.keys()].filter((name) => !/ (?:futex|madvise|restart_syscall)$/.test(name)).sort();
    expect(fixed(counts(run))).toEqual(fixed(own(recording)));
    expect([...run.executables].sort()).toEqual(executables);
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, callsLost: 0 });
    expect(call(run, 'execve')?.phases).toContain('runtime');
  });

  it('counts as sysieve does', async () => {
    const { run } = await recorded('strace', [log('ls.strace')], whole);
    expect(counts(run)).toEqual(own('ls.recording.json'));
  });

  it('is never complete unless the user says that nothing was left out', async () => {
    const { run, notes } = await recorded('strace', [log('ls.strace')]);
    expect(run.completeness.complete).toBe(false);
    expect(run.completeness.blindSpots).toEqual([
      'abi-unseen',
      'denied-from-failed',
      UNKNOWN_EXTENT,
    ]);
    const numbered = await recorded('strace', [log('sh-raw.strace')], whole);
    expect(numbered.run.completeness.blindSpots).toEqual([
      'denied-from-failed',
      'executables-unseen',
    ]);
    expect(notes).toMatch(/--unfiltered/);
  });

  it('has arguments only where registers were printed', async () => {
    const raw = await recorded('strace', [log('sh-raw.strace')], whole);
    const mmap = call(raw.run, 'mmap')?.args;
    expect(mmap?.overflow).toBe(0);
    expect(mmap?.tuples.map(({ values }) => values[0])).toEqual(
      expect.arrayContaining(['0x1', '0x3', '0x5']),
    );
    const decoded = await recorded('strace', [log('ls.strace')], whole);
    const { tuples, overflow } = call(decoded.run, 'mmap')?.args ?? {};
    expect(tuples).toEqual([]);
    expect(overflow).toBe(call(decoded.run, 'mmap')?.count);
  });

  it('is the same run however often it is read, and in whatever order its files come', async () => {
    const one = await recorded('strace', SH, whole);
    const two = await recorded('strace', [...SH].reverse(), whole);
    expect(two.run).toEqual(one.run);
    expect((await recorded('strace', [log('ls.strace')])).run.id).not.toBe(one.run.id);
  });

  it('reads -tt -y, signals and their returns', async () => {
    const { run } = await recorded('strace', [log('kill.strace')], whole);
    expect(run.completeness).toMatchObject({ complete: true, callsLost: 0 });
    expect(run.durationMs).toBeGreaterThan(0);
    expect(call(run, 'kill')?.count).toBe(1);
  });
});

describe('what shows in a strace log', () => {
  const EXEC = '10 execve("/bin/a", ["a"], 0x7ff /* 3 vars */) = 0\n';

  it('a process that was not followed', async () => {
    const { run, notes } = await recorded(
      'strace',
      `${EXEC}10 vfork() = 11\n10 exit_group(0) = ?\n`,
      whole,
    );
    expect(run.completeness).toMatchObject({ complete: false, tasksLost: 1, startsSeen: 1 });
    expect(notes).toMatch(/no line.*: 11/);
  });

  it('no start: it was attached to', async () => {
    const late =
      '10 read(0,  <unfinished ...>\n11 <... poll resumed>) = 1 ([{fd=3, revents=POLLIN}])\n10 <... read resumed>"", 1) = 0\n';
    const { run } = await recorded('strace', late, whole);
    expect(run.completeness).toMatchObject({
      complete: false,
      startsSeen: 0,
      callsLost: 0,
      attachedLate: { targetAgeMs: null },
    });
    expect(run.calls).toHaveLength(1);
  });

  it('every line that is not understood, by its number', async () => {
    const text = `${EXEC}what is this\n10 no_such_call(1) = 0\n10 ????( <unfinished ...>\n\n10 getpid() = 10\n10 <... read resumed>) = 1\n${'x'.repeat(70_000)}\n10 \u001b[31mgetpid() = 1\n10 getuid() = `;
    const { run, notes } = await recorded('strace', text, whole);
    expect(run.completeness).toMatchObject({ complete: false, callsLost: 7 });
    expect(notes).toMatch(/x: 7 lines not understood, which count as calls lost: 2-4, 7-10$/m);
    expect(run.calls.map(({ name }) => name)).toEqual(['getpid', 'execve']);
  });

  it('a last line that was cut', async () => {
    const { run } = await recorded('strace', `${EXEC}10 getpid() = 1`, whole);
    expect(run.completeness.callsLost).toBe(1);
    // What strace itself complains of may be a task that it lost.
    const said = await recorded(
      'strace',
      `${EXEC}strace: ptrace(PTRACE_LISTEN): No such process\n`,
      whole,
    );
    expect(said.run.completeness.callsLost).toBe(1);
    const ended = await recorded('strace', `${EXEC}10 +++ exited with 0 +++`, whole);
    expect(ended.run.completeness.complete).toBe(true);
  });

  it('other ABIs: by the message of strace, or by the number that it printed', async () => {
    const told = await recorded(
      'strace',
      `${EXEC}strace: [ Process PID=10 runs in 32 bit mode. ]\n10 socketcall(1, 0xff) = 3\n10 read(3, "", 1) = 0\n`,
      whole,
    );
    expect(told.run.calls.map(({ abi, name }) => `${abi} ${name}`)).toEqual([
      'x86_64 execve',
      'i386 read',
      'i386 socketcall',
    ]);
    const numbered = await recorded(
      'strace',
      '10 [  59] execve("/bin/a", [], []) = 0\n10 [   3] read(3, "", 1) = 0\n10 [   3] close(3) = 0\n10 [   9] read(1) = 0\n',
      whole,
    );
    expect(numbered.run.calls.map(({ abi, name }) => `${abi} ${name}`)).toEqual([
      'x86_64 close',
      'x86_64 execve',
      'i386 read',
    ]);
    expect(numbered.run.completeness.callsLost).toBe(1);
    const unsaid = await recorded('strace', `${EXEC}10 socketcall(1, 0xff) = 3\n`, whole);
    expect(unsaid.run.completeness.callsLost).toBe(1);
  });

  it('numbers without a name', async () => {
    const { run } = await recorded(
      'strace',
      `${EXEC}10 syscall_0x3e7(0x1, 0x2) = -1 ENOSYS (Function not implemented)\n`,
      whole,
    );
    expect(run.calls.at(-1)).toMatchObject({ number: 999, name: null, count: 1 });
    expect(run.completeness.numbersUnknown).toBe(1);
  });

  it('one that strace let go, and one that another thread replaced', async () => {
    const detached = await recorded('strace', `${EXEC}strace: Process 10 detached\n`, whole);
    expect(detached.run.completeness).toMatchObject({ complete: false, tasksLost: 1 });
    const superseded = await recorded(
      'strace',
      `${EXEC}10 clone(child_stack=0x7f, flags=CLONE_VM) = 11\n > /lib/libc.so.6(clone+0x1) [0x1]\n10 futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>\n11 execve("/bin/b", ["b"], []  <unfinished ...>\n10 +++ superseded by execve in pid 11 +++\n10 <... execve resumed>) = 0\n10 getpid() = 10\n`,
      whole,
    );
    expect(superseded.run.completeness).toMatchObject({ complete: true, callsLost: 0 });
    expect(superseded.run.executables).toEqual(['/bin/a', '/bin/b']);
  });

  it('an id that was given out again', async () => {
    const { run } = await recorded(
      'strace',
      `${EXEC}10 fork() = 11\n11 getuid() = 0\n11 +++ exited with 0 +++\n10 execve("/bin/b", ["b"], []) = 0\n10 fork() = 11\n11 getgid() = 0\n11 +++ exited with 0 +++\n`,
      whole,
    );
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, attachedLate: null });
    expect(run.executables[call(run, 'getuid')?.executables[0] ?? -1]).toBe('/bin/a');
    expect(run.executables[call(run, 'getgid')?.executables[0] ?? -1]).toBe('/bin/b');
  });

  it('paths and results that look like more than they are', async () => {
    const { run } = await recorded(
      'strace',
      `10 execve("/tmp/\\33[31m\\303\\244\\"x", ["a"], []) = 0\n10 write(1</tmp/a) = 5>, ") = 7\\n", 5) = 5</x=y>\n10 poll([{fd=1}], 1, 0) = 1 ([{fd=1, revents=POLLIN}])\n`,
      whole,
    );
    expect(run.executables).toEqual(['/tmp/\u001b[31mä"x']);
    expect(run.completeness).toMatchObject({ complete: true, callsLost: 0 });
  });

  it('several files that are not those of -ff are refused', async () => {
    await expect(
      recorded('strace', [
        { source: 'a.log', text: EXEC },
        { source: 'b.log', text: EXEC },
      ]),
    ).rejects.toMatchObject({ kind: 'usage' });
  });
});

describe('audit', () => {
  const SECCOMP =
    'type=SECCOMP msg=audit(1700000000.250:7): auid=0 uid=0 gid=0 ses=1 subj=unconfined pid=42 comm="a" exe="/bin/a" sig=31 arch=c000003e syscall=41 compat=0 ip=0x7f code=0x80000000\n';
  it('SECCOMP: what a filter logged, denied or killed, by ABI', async () => {
    const text = [
      SECCOMP.trim(),
      'Nov 29 00:00:01 host kernel: audit: type=1326 audit(1700000001.500:8): auid=0 pid=42 comm="a" exe="/bin/a" sig=0 arch=40000003 syscall=102 compat=1 ip=0xf7 code=0x7ffc0000',
      '[   12.5] audit: type=1326 audit(1700000001.500:9): pid=43 comm="b" exe=2F746D702F6120C3A4 sig=0 arch=c000003e syscall=83 compat=0 ip=0x7f code=0x50001',
      'type=SECCOMP msg=audit(1700000001.500:10): pid=43 comm="b" exe="/b" sig=0 arch=c000003e syscall=1073741825 compat=0 ip=0x7f code=0x7ffc0000',
      '',
    ].join('\n');
    const { run, notes } = await recorded('audit', text);
    expect(run.calls.map(({ abi, number, denied }) => [abi, number, denied.errnos])).toEqual([
      ['x86_64', 41, { 0: 1 }],
      ['x86_64', 83, { 1: 1 }],
      ['i386', 102, {}],
      ['x32', 1, {}],
    ]);
    expect(run.executables).toContain('/tmp/a ä');
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 0, callsLost: 0 });
    expect(run.completeness.blindSpots).toEqual(['audited-calls-only', UNKNOWN_EXTENT]);
    // No word of the user makes it whole.
    const told = await recorded('audit', text, whole);
    expect(told.run.completeness.complete).toBe(false);
    expect(notes).toMatch(/no start of the target was seen/);
    const one = await recorded('audit', text, { pid: 43, comm: 'b' });
    expect(one.run.calls).toHaveLength(2);
    expect(one.notes).toMatch(/2 records of other processes/);
  });

  it('SYSCALL: with the first four registers; other records are counted', async () => {
    const text = [
      '----',
      'time->Sat Nov 29 00:00:00 2026',
      'type=PROCTITLE msg=audit(1700000000.1:1): proctitle=6C73',
      'type=SYSCALL msg=audit(1700000000.1:1): arch=c000003e syscall=41 success=yes exit=3 a0=2 a1=80802 a2=0 a3=7f items=0 ppid=1 pid=42 comm="a" exe="/bin/a" key=(null)\x1dARCH=x86_64 SYSCALL=socket',
      'type=1300 audit(1700000000.2:2): arch=40000003 syscall=5 success=no exit=-2 a0=ff a1=0 a2=0 a3=0 pid=42 comm="a" exe="/bin/a"',
      'type=SYSCALL msg=audit(11/29/2026 00:00:00.123:3) : arch=x86_64 syscall=mmap success=yes exit=0 a0=0x0 a1=0x2000 a2=0x3 a3=0x22 pid=42 comm=a exe=/bin/a',
      '',
    ].join('\n');
    const { run, notes } = await recorded('audit', text);
    expect(call(run, 'socket')?.args?.tuples).toMatchObject([{ values: ['0x2', '0x2', '0x0'] }]);
    expect(call(run, 'mmap')?.args?.tuples).toMatchObject([{ values: ['0x3'] }]);
    expect(call(run, 'open')?.abi).toBe('i386');
    expect(run.completeness.callsLost).toBe(0);
    expect(notes).toMatch(/1 records of other types/);
  });

  it('what the kernel dropped, and lines that are not understood', async () => {
    const { run, notes } = await recorded(
      'audit',
      `${SECCOMP}audit: 17 callbacks suppressed\naudit: rate limit exceeded\ntype=SECCOMP msg=audit(1.1:1): pid=1 arch=deadbeef syscall=1\nnoise\ntype=SECCOMP msg=audit(1`,
    );
    expect(run.completeness.callsLost).toBe(18 + 3);
    expect(notes).toMatch(/3 lines not understood, which count as calls lost: 4-6/);
  });
});

describe('perf trace', () => {
  it('the same calls as sysieve recorded of the command', async () => {
    const { run } = await recorded('perf-trace', [log('ls.perf')], whole);
    expect([...counts(run).keys()].sort()).toEqual([...own('ls.recording.json').keys()].sort());
    expect(run.completeness).toMatchObject({ complete: true, startsSeen: 1, callsLost: 0 });
    expect(run.completeness.blindSpots).toEqual([
      'abi-unseen',
      'denied-from-failed',
      'executables-unseen',
    ]);
  });

  it('calls in two lines once; children; what was lost', async () => {
    const text = `         ? (         ): sh/10  ... [continued]: execve())            = 0
     1.000 (         ): sh/10 vfork()                                          ...
         ? (         ): sh/11  ... [continued]: vfork())                       = 0
     1.500 ( 0.001 ms): a b/11 getpid()                                        = 11
     1.000 ( 3.000 ms): sh/10  ... [continued]: vfork())                       = 11
LOST 12 events!
     2.000 ( 0.001 ms): sh/10 no_such()                                        = 0
`;
    const { run, notes } = await recorded('perf-trace', text, whole);
    expect([...counts(run)]).toEqual([
      ['x86_64 getpid', 1],
      ['x86_64 vfork', 1],
    ]);
    expect(run.completeness).toMatchObject({ complete: false, startsSeen: 1, callsLost: 13 });
    expect(notes).toMatch(/line not understood.*: 7/);
  });
});

describe('oci-seccomp-bpf-hook', () => {
  it('a profile, and what it does not say', async () => {
    const text = JSON.stringify({
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [
        {
          names: ['read', 'write'],
          action: 'SCMP_ACT_ALLOW',
          args: [],
          comment: '',
          includes: {},
          excludes: {},
        },
      ],
    });
    const made = await imported('oci-hook', text);
    expect(made).toMatchObject({
      kind: 'profiles',
      profiles: [
        { profile: { syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }] } },
      ],
    });
    expect(made.notes.join()).toMatch(/no recording/);
    await expect(
      imported('oci-hook', text.replace('SCMP_ACT_ALLOW', 'SCMP_ACT_LOG')),
    ).rejects.toMatchObject({ code: 'hook-profile' });
  });
});

describe('hostile logs', () => {
  const SEEDS = process.env.SYSIEVE_SOAK === '1' ? 3000 : 150;
  const SOURCES: [from: string, text: string][] = [
    ['strace', log('threads.stderr').text],
    ['strace', log('kill.strace').text],
    ['strace', log('sh-raw.strace').text.slice(0, 8000)],
    ['perf-trace', log('ls.perf').text.slice(0, 6000)],
    [
      'audit',
      'type=SECCOMP msg=audit(1700000000.250:7): pid=42 comm="a" exe="/bin/a" sig=31 arch=c000003e syscall=41 code=0x80000000\n'.repeat(
        20,
      ),
    ],
    [
      'systemd',
      '[Service]\nSystemCallFilter=~read write:EPERM \\\n mount\nSystemCallErrorNumber=kill\nSystemCallArchitectures=native x86\n',
    ],
    [
      'minijail',
      'read: 1\nioctl: arg1 == 0x5401 || arg1 & 3 && arg0 in ~7\n{ open, close }: { arg0 < 3; return 5, kill }\n',
    ],
  ];
  const PIECES = [
    '\0',
    '\u202e',
    '= ',
    ') = 0',
    '<unfinished ...>',
    '(',
    '"',
    '\\',
    '\n',
    '10 ',
    '[',
    '~',
    '\uD800',
    '9'.repeat(40),
    '@',
    '\x1d',
    'execve("',
    '::error::',
  ];

  it('end with a recording, a profile, or an error that says where', async () => {
    const random = randomOf(7);
    const below = (most: number): number => Math.floor(random() * most);
    let refusals = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const [from, original] = SOURCES[seed % SOURCES.length] as [string, string];
      let text = original;
      for (let edits = 1 + below(6); edits > 0; edits--) {
        const at = below(text.length);
        const cut = random() < 0.5 ? below(30) : 0;
        text = text.slice(0, at) + PIECES[below(PIECES.length)] + text.slice(at + cut);
      }
      try {
        const made = await imported(from, text, whole);
        if (made.kind !== 'recording') continue;
        const { runs } = parseRecording(serializeRecording(made.recording), 'made');
        const { complete, callsLost } = runs[0]?.completeness ?? {};
        expect(complete && callsLost).toBeFalsy();
      } catch (error) {
        if (!(error instanceof SysieveError)) throw error;
        expect(error.kind).toBe('input');
        refusals += 1;
      }
    }
    expect(refusals).toBeGreaterThan(0);
  });

  it.each([
    ['strace', '10 a('],
    ['strace', '10 <... '],
    ['strace', '10 read(") = '],
    ['strace', '[pid 1<'],
    ['perf-trace', '  1.0 ( 1.0 ms): a/'],
    ['audit', 'audit('],
    ['audit', 'type=SECCOMP msg=audit(1.1:1): a='],
    ['minijail', 'read: arg0 == 1 || '],
    ['systemd', 'a '],
  ])('%s: long lines of %j are read fast', async (from, piece) => {
    const text = `${piece.repeat(Math.floor(60_000 / piece.length))}\n`.repeat(8);
    const started = processorMs();
    await imported(from, text, whole).catch((error: unknown) => {
      if (!(error instanceof SysieveError)) throw error;
    });
    expect(processorMs() - started).toBeLessThan(5_000);
  });
});
