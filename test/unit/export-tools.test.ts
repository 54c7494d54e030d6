/** systemd, minijail, firejail and compiled programs: what is written is read back with one meaning. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { SysieveError } from '../../src/errors';
import { compile, pseudoCode } from '../../src/libseccomp';
import { equal, policyOfProfile, policyOfPrograms } from '../../src/policy';
import { type Profile, parseProfile } from '../../src/profile';
import { machineOfArchitectures } from '../../src/tables';
import { refusal } from '../support/oracle';
import { AARCH64, exported, meaning, profiles, readBack, X86_64 } from '../support/tool-profiles';

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 2000 : 120;

const compiler = (profile: Profile) => {
  const { program, stub, skipped } = compile(profile);
  return { program, stub, skipped, pseudoCode: pseudoCode(profile), flags: profile.flags ?? [] };
};

const NGINX = parseProfile(readFileSync('profiles/nginx.json', 'utf8'), 'nginx.json');

function profileOf(part: Partial<Profile>): Profile {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [],
    ...part,
  };
}

const rule = (
  names: string[],
  action: Profile['defaultAction'] = 'SCMP_ACT_ALLOW',
  more: Partial<Profile['syscalls'][number]> = {},
) => ({ names, action, args: [], ...more });

const bounded = (names: string[]) =>
  rule(names, 'SCMP_ACT_ALLOW', {
    args: [{ index: 1, op: 'SCMP_CMP_EQ', value: 0x5401n, valueTwo: 0n }],
  });

async function refused(run: Promise<unknown>): Promise<SysieveError> {
  const thrown = await run.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof SysieveError) return thrown;
  throw thrown ?? new Error('not refused');
}

/** The action that the head of a policy has it compiled with. */
function compiledWith(policy: string) {
  const action = /--default-action='([^']*)'/.exec(policy)?.[1];
  return action === undefined ? {} : { defaultAction: action };
}

describe('systemd', () => {
  const carried = profiles({
    defaults: ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_ALLOW'],
    answers: ['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS'],
    architectures: fc.subarray(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], {
      minLength: 1,
    }),
    conditions: false,
  });

  it('means what the profile means, whatever @default holds', async () => {
    await fc.assert(
      fc.asyncProperty(carried, async (profile) => {
        const wanted = refusal(() => meaning(profile));
        fc.pre('made' in wanted);
        const { text } = await exported('systemd', profile, { runtime: 'crun' });
        const groups =
          '@default\n    # what\n    read\n    clone3\n    kill\n    @deeper\n@deeper\n    statx\n';
        for (const options of [{}, { systemdGroups: groups }]) {
          const { profile: back } = await readBack('systemd', text, options);
          expect(equal(meaning(back), wanted.made)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  const groups = readFileSync('fixtures/logs/systemd-252-syscall-filter.txt', 'utf8');

  it('folds groups that are permitted whole, and no others, with one meaning', async () => {
    const plain = { ...NGINX, syscalls: NGINX.syscalls.filter(({ args }) => args.length === 0) };
    const whole = ['munlock', 'munlockall', 'mlock', 'mlock2', 'mlockall'];
    const profile = { ...plain, syscalls: [...plain.syscalls, rule(whole)] };
    const { text } = await exported('systemd', profile, { systemdGroups: groups });
    expect(text).toMatch(/^SystemCallFilter=@memlock\b/m);
    expect(text).not.toMatch(/@(?:system-service|basic-io|mount|debug|known)/);
    const { profile: back } = await readBack('systemd', text, { systemdGroups: groups });
    expect(equal(meaning(back), meaning(profile))).toBe(true);
    const less = { ...plain, syscalls: [...plain.syscalls, rule(whole.slice(1))] };
    expect((await exported('systemd', less, { systemdGroups: groups })).text).not.toMatch(
      /@memlock/,
    );
  });

  it('reads a group as its version has it, and asks where it does not know', async () => {
    const unit =
      '[Service]\nSystemCallFilter=@mount \\\n# between\n  read\nSystemCallErrorNumber=EPERM\n';
    const error = await refused(readBack('systemd', unit));
    expect(error).toMatchObject({ kind: 'input', code: 'systemd-group-unknown' });
    const { profile } = await readBack('systemd', unit, { systemdGroups: groups });
    const permitted = profile.syscalls.flatMap(({ names }) => names);
    expect(permitted).toEqual(expect.arrayContaining(['mount', 'umount2', 'read', 'exit_group']));
    expect(permitted).not.toContain('ptrace');
    // No SystemCallArchitectures=: the other ABIs have the same list.
    expect(profile.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
    const deny = await readBack(
      'systemd',
      '[Service]\nSystemCallFilter=~ptrace mount:EACCES\nSystemCallFilter=ptrace\nSystemCallArchitectures=native',
    );
    expect(deny.profile).toMatchObject({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }],
    });
  });

  it('says what systemd passes over, with the line', async () => {
    const { notes } = await readBack(
      'systemd',
      '[Service]\nMemoryDenyWriteExecute=yes\nSystemCallFilter=~x_unknown read:EFOO\nSystemCallErrorNumber=0\n',
    );
    expect(notes.join('\n')).toMatch(/x:3:1: .*x_unknown.*\n.*x:3:1: .*read:EFOO.*\n.*x:4:1:/);
    expect(notes.join('\n')).toMatch(/not read: MemoryDenyWriteExecute/);
  });
});

describe('minijail', () => {
  const carried = profiles({
    defaults: ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL', 'SCMP_ACT_TRAP'],
    answers: [
      'SCMP_ACT_ALLOW',
      'SCMP_ACT_ALLOW',
      'SCMP_ACT_ERRNO',
      'SCMP_ACT_LOG',
      'SCMP_ACT_NOTIFY',
    ],
    architectures: X86_64,
    conditions: true,
  });
  const denied = profiles({
    defaults: ['SCMP_ACT_ALLOW'],
    answers: ['SCMP_ACT_ERRNO'],
    architectures: AARCH64,
    conditions: true,
  });

  it('means what the profile means, with every comparison of arguments', async () => {
    let checked = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: carried }, denied), async (profile) => {
        const machine = machineOfArchitectures(profile.architectures);
        const wanted = refusal(() => meaning(profile, machine));
        fc.pre('made' in wanted);
        const { text } = await exported('minijail', profile, { runtime: 'crun' });
        const { profile: back } = await readBack('minijail', text, {
          arch: machine,
          minijailParser: 'compiler',
          ...compiledWith(text),
        });
        expect(equal(meaning(back, machine), wanted.made)).toBe(true);
        if (/arg\d/.test(text)) checked += 1;
      }),
      { numRuns: RUNS },
    );
    expect(checked).toBeGreaterThan(RUNS / 4);
  });

  it('takes a condition that always holds for none: the first rule wins', async () => {
    const args = [{ index: 0, op: 'SCMP_CMP_MASKED_EQ' as const, value: 0n, valueTwo: 0n }];
    const { text } = await exported(
      'minijail',
      profileOf({
        syscalls: [
          rule(['read'], 'SCMP_ACT_ERRNO', { errnoRet: 5, args }),
          rule(['read'], 'SCMP_ACT_ERRNO', { errnoRet: 95 }),
        ],
      }),
    );
    expect(text).toMatch(/^read: return 5$/m);
  });

  it('reads what policies hold: names of constants, masks, several calls, joined lines', async () => {
    const { profile } = await readBack(
      'minijail',
      [
        '# a policy',
        '@default kill-process',
        '{ read, write }: allow',
        'mmap: arg2 in ~PROT_EXEC || \\',
        '  arg2 in ~PROT_WRITE  # never both',
        'socket: arg0 == AF_UNIX && arg1 & (2|1)',
        'clone3: return ENOSYS',
        'open[arch=arm]: 1',
        'prctl: { arg0 == 15, kill-process }',
      ].join('\n'),
    );
    expect(profile).toMatchObject({ defaultAction: 'SCMP_ACT_KILL_PROCESS' });
    const of = (name: string) => profile.syscalls.filter(({ names }) => names.includes(name));
    expect(of('mmap').map(({ args }) => args)).toEqual([
      [{ index: 2, op: 'SCMP_CMP_MASKED_EQ', value: 4n, valueTwo: 0n }],
      [{ index: 2, op: 'SCMP_CMP_MASKED_EQ', value: 2n, valueTwo: 0n }],
    ]);
    expect(of('socket')).toHaveLength(2);
    expect(of('clone3')).toMatchObject([{ action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
    expect(of('open')).toEqual([]);
    expect(of('prctl')).toHaveLength(1);
  });

  it.each([
    ['read: arg0 == 0; return EBADF', /x:1: .*--minijail-parser/],
    ['read: 1\nread: return 1', /x:2: read has a rule without conditions/],
    ['read: arg6 == 0', /x:1: expected arg0 to arg5/],
    ['read: arg0 == O_NO_SUCH', /x:1: no value is known for the constant/],
    ['read: arg0 == 018', /x:1: no octal/],
    ['read: arg0 == 0x1ffffffffffffffff', /x:1: a number beyond 64 bits/],
    ['read: arg0 > 1 && arg0 < 5', /x:1: two conditions on arg0/],
    ['no_such: 1', /x:1: no_such is no call of x86_64/],
    ['@include /etc/other.policy', /x:1: @include/],
    ['read: { arg0 == 1, return 5 }', /x:1: read: other arguments get another answer/],
    ['read: 1 1', /x:1: what follows is too much/],
    ['read', /x:1: expected :/],
    [`read: arg0 & ${`${'~('.repeat(40)}1`}`, /x:1: nested too deeply/],
  ])('refuses %j with the line', async (policy, says) => {
    const error = await refused(readBack('minijail', policy));
    expect(error).toMatchObject({ kind: 'input', code: 'minijail-policy' });
    expect(error.message).toMatch(says);
  });

  it('reads an expression with an action as the reader that it is for', async () => {
    const policy = 'read: arg0 == 0; return EBADF';
    const compiled = await readBack('minijail', policy, { minijailParser: 'compiler' });
    expect(compiled.profile.syscalls).toMatchObject([{ action: 'SCMP_ACT_ERRNO', errnoRet: 9 }]);
    const own = await readBack('minijail', policy, {
      minijailParser: 'minijail0',
      defaultAction: 'return 9',
    });
    expect(own.profile.syscalls).toMatchObject([{ action: 'SCMP_ACT_ALLOW' }]);
  });
});

describe('compiled programs', () => {
  it('bpf and the C header are the program that runc installs', async () => {
    const { data, notes } = await exported('bpf', NGINX, { compiler });
    const wanted = policyOfProfile(NGINX, { runtime: 'runc', machine: 'x86_64' });
    expect(equal(policyOfPrograms([Buffer.from(data as Uint8Array)]), wanted)).toBe(true);
    expect(notes.join()).toMatch(/bwrap/);
    const { text } = await exported('c', NGINX, { compiler });
    const words = [...text.matchAll(/^\t\{ (0x\w+), (\d+), (\d+), (0x\w+) \},$/gm)];
    const program = Buffer.concat(
      words.map(([, code, jt, jf, k]) => {
        const bytes = Buffer.alloc(8);
        bytes.writeUInt16LE(Number(code));
        bytes.writeUInt8(Number(jt), 2);
        bytes.writeUInt8(Number(jf), 3);
        bytes.writeUInt32LE(Number(k), 4);
        return bytes;
      }),
    );
    expect(program).toEqual(Buffer.from(data as Uint8Array));
  });

  it('pfc names every call, and what is not shown', async () => {
    const { text } = await exported('pfc', NGINX, { compiler });
    expect(text).toMatch(/Not shown: \d+ instructions in front/);
    for (const { names, action } of NGINX.syscalls) {
      if (action !== 'SCMP_ACT_ALLOW') continue;
      for (const name of names) expect(text).toMatch(new RegExp(`"${name}"`));
    }
  });
});

describe('what a format cannot say', () => {
  const arm = profileOf({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_MIPS'] });
  const i386 = profileOf({ architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'] });
  const KEPT = ['execve', 'execveat', 'prctl'];
  it.each<[to: string, what: string, profile: Profile, says: RegExp]>([
    [
      'systemd',
      'arguments',
      profileOf({ syscalls: [bounded(['ioctl'])] }),
      /which arguments of ioctl/,
    ],
    [
      'systemd',
      'a trap',
      profileOf({ syscalls: [rule(['read'], 'SCMP_ACT_TRAP')] }),
      /SCMP_ACT_TRAP for read/,
    ],
    [
      'systemd',
      'a log',
      profileOf({ syscalls: [rule(['read'], 'SCMP_ACT_LOG')] }),
      /SCMP_ACT_LOG for read/,
    ],
    [
      'systemd',
      'a killed thread',
      profileOf({ defaultAction: 'SCMP_ACT_KILL' }),
      /SCMP_ACT_KILL_THREAD/,
    ],
    ['systemd', 'errno 0', profileOf({ defaultErrnoRet: 0 }), /SCMP_ACT_ERRNO 0/],
    ['systemd', 'an architecture', arm, /SCMP_ARCH_MIPS/],
    ['minijail', 'a default that permits', profileOf({ defaultAction: 'SCMP_ACT_ALLOW' }), /x32/],
    ['minijail', 'a default that logs', profileOf({ defaultAction: 'SCMP_ACT_LOG' }), /x32/],
    ['minijail', 'two ABIs', i386, /SCMP_ARCH_X86 pass/],
    [
      'minijail',
      "a tracer's message",
      profileOf({ syscalls: [rule(['read'], 'SCMP_ACT_TRACE')] }),
      /TRACE 1/,
    ],
    [
      'minijail',
      'a kill beside a default that permits',
      profileOf({
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_AARCH64'],
        syscalls: [rule(['read'], 'SCMP_ACT_KILL')],
      }),
      /beside a default that permits/,
    ],
    [
      'firejail',
      'arguments',
      profileOf({ syscalls: [bounded(['ioctl'])] }),
      /which arguments of ioctl/,
    ],
    [
      'firejail',
      'that execve is refused',
      profileOf({ syscalls: [rule(['read'])] }),
      /execve, execveat, prctl are refused/,
    ],
    [
      'firejail',
      'personality',
      profileOf({ syscalls: [rule([...KEPT, 'personality'])] }),
      /personality/,
    ],
    ['firejail', 'two ABIs', i386, /SCMP_ARCH_X86 pass/],
    [
      'firejail',
      'a killed process',
      profileOf({ defaultAction: 'SCMP_ACT_KILL_PROCESS' }),
      /KILL_PROCESS/,
    ],
    [
      'firejail',
      'a default that permits',
      profileOf({ defaultAction: 'SCMP_ACT_ALLOW' }),
      /SCMP_ACT_ALLOW/,
    ],
    [
      'bpf',
      'a listener',
      profileOf({ syscalls: [rule(['read'], 'SCMP_ACT_NOTIFY')] }),
      /NOTIFY needs a listener/,
    ],
  ])('%s: %s', async (to, _, profile, says) => {
    const error = await refused(exported(to, profile, { compiler }));
    expect(error).toMatchObject({ kind: 'input', code: 'export-unsayable' });
    expect(error.message).toMatch(says);
    expect(error.remedy).toBeTruthy();
  });

  it.each(['systemd', 'minijail', 'firejail'])(
    '%s: names that are no names of calls',
    async (to) => {
      for (const name of [
        'read\nExecStart=/bin/sh',
        'read write',
        'read:kill',
        'a,b',
        '@default',
        '',
      ]) {
        const error = await refused(exported(to, profileOf({ syscalls: [rule([name])] })));
        expect(error.code).toBe('call-name-invalid');
      }
    },
  );

  it('--drop-arguments widens, and says each call', async () => {
    const { text, notes } = await exported('systemd', NGINX, { dropArguments: true });
    const widened = new Set(
      NGINX.syscalls.filter(({ args }) => args.length > 0).flatMap(({ names }) => names),
    );
    expect(widened.size).toBeGreaterThan(0);
    const said = notes.filter((note) => note.startsWith('widened: '));
    expect(said.map((note) => note.split(' ')[1]).sort()).toEqual([...widened].sort());
    const without = {
      ...NGINX,
      syscalls: NGINX.syscalls.map((one) => ({ ...one, args: [] })),
    };
    const { profile: back } = await readBack('systemd', text);
    expect(equal(meaning(back), meaning(without))).toBe(true);
  });

  it('calls that pass under crun, and not under runc', async () => {
    const profile = profileOf({
      architectures: ['SCMP_ARCH_X86'],
      syscalls: [rule(['connect', 'read'])],
    });
    const error = await refused(exported('systemd', profile));
    expect(error.code).toBe('export-runtimes-differ');
    const { text } = await exported('systemd', profile, { runtime: 'crun' });
    const { profile: back } = await readBack('systemd', text);
    expect(equal(meaning(back), meaning(profile))).toBe(true);
    expect((await refused(exported('systemd', profile, { runtime: 'runc' }))).code).toBe(
      error.code,
    );
  });

  it('conditions that runc and crun read differently', async () => {
    const args = [0n, 1n].map((value) => ({
      index: 0,
      op: 'SCMP_CMP_GE' as const,
      value,
      valueTwo: 0n,
    }));
    const error = await refused(
      exported('minijail', profileOf({ syscalls: [rule(['read'], 'SCMP_ACT_ALLOW', { args })] })),
    );
    expect(error.code).toBe('export-conditions-ambiguous');
  });
});
