/** What a filter becomes in complain mode, and the profile that asks an agent. */
import { ACTIONS, compile, complaining, evaluate, notifyAll } from '../../src/libseccomp';
import { notifyingProfile, parseProfile, serializeProfile } from '../../src/profile';
import { ProfileSchema } from '../../src/profile/schema';

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const AARCH64 = 0xc00000b7;
const X32 = 0x40000000;

const profile = ProfileSchema.parse({
  defaultAction: 'SCMP_ACT_KILL_PROCESS',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
  syscalls: [
    { names: ['read', 'execve'], action: 'SCMP_ACT_ALLOW' },
    { names: ['getpid'], action: 'SCMP_ACT_LOG' },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    { names: ['kill'], action: 'SCMP_ACT_TRAP' },
    { names: ['ptrace'], action: 'SCMP_ACT_TRACE', errnoRet: 1 },
    {
      names: ['personality'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }],
    },
  ],
});

describe('complaining', () => {
  const { program } = compile(profile);
  const complaint = complaining(program);
  const answers = (call: { arch: number; nr: number; args?: bigint[] }) => [
    evaluate(program, call).action,
    evaluate(complaint, call).action,
  ];

  it('lets pass what passes, in the same way', () => {
    expect(answers({ arch: X86_64, nr: 0 })).toEqual([
      ACTIONS.SCMP_ACT_ALLOW,
      ACTIONS.SCMP_ACT_ALLOW,
    ]);
    expect(answers({ arch: X86_64, nr: 39 })).toEqual([ACTIONS.SCMP_ACT_LOG, ACTIONS.SCMP_ACT_LOG]);
    expect(answers({ arch: I386, nr: 3 })).toEqual([
      ACTIONS.SCMP_ACT_ALLOW,
      ACTIONS.SCMP_ACT_ALLOW,
    ]);
  });

  it.each<[string, number, number]>([
    ['a call without a rule', X86_64, 1],
    ['ENOSYS by a rule', X86_64, 435],
    ['ENOSYS above the largest number', X86_64, 600],
    ['TRAP', X86_64, 62],
    ['TRACE', X86_64, 101],
    ['a call of another ABI', I386, 4],
    ['an ABI that is not listed', AARCH64, 0],
    ['x32', X86_64, X32],
    ['−1', X86_64, 0xffffffff],
  ])('asks instead of %s', (_what, arch, nr) => {
    const [before, after] = answers({ arch, nr });
    expect(before).not.toBe(ACTIONS.SCMP_ACT_NOTIFY);
    expect(after).toBe(ACTIONS.SCMP_ACT_NOTIFY);
  });

  it('is the same program but for its answers', () => {
    expect(complaint.length).toBe(program.length);
    for (let at = 0; at < program.length; at += 8) {
      if (program.readUInt16LE(at) === 0x06) expect(complaint.readUInt16LE(at)).toBe(0x06);
      else expect(complaint.subarray(at, at + 8)).toEqual(program.subarray(at, at + 8));
    }
  });

  it('asks about everything with notifyAll', () => {
    for (const arch of [X86_64, I386, AARCH64]) {
      expect(evaluate(notifyAll(), { arch, nr: 59 }).action).toBe(ACTIONS.SCMP_ACT_NOTIFY);
    }
  });
});

describe('notifyingProfile', () => {
  const made = notifyingProfile(profile, '/run/agent.sock', ['SCMP_ARCH_X86_64'], ['futex']);
  const actionOf = (name: string) =>
    made.syscalls.find((rule) => rule.names.includes(name))?.action ?? made.defaultAction;

  it('permits what the profile does whatever the arguments, and what cannot be asked about', () => {
    expect(['read', 'getpid', 'write', 'futex'].map(actionOf)).toEqual(
      Array.from({ length: 4 }, () => 'SCMP_ACT_ALLOW'),
    );
  });

  it('asks about all else that has a name, and about execve always', () => {
    const asked = ['execve', 'execveat', 'clone3', 'kill', 'ptrace', 'personality', 'mount', 'ipc'];
    expect(asked.map(actionOf)).toEqual(asked.map(() => 'SCMP_ACT_NOTIFY'));
  });

  it('names each call once, without conditions, and is a profile', () => {
    const names = made.syscalls.flatMap((rule) => rule.names);
    expect(new Set(names).size).toBe(names.length);
    expect(made.syscalls.every((rule) => rule.args.length === 0)).toBe(true);
    const read = parseProfile(serializeProfile(made), 'made');
    expect(read).toMatchObject({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
      listenerPath: '/run/agent.sock',
    });
    expect(() => compile(read)).not.toThrow();
  });

  it('keeps what a profile denies by name out of a default that permits', () => {
    const open = notifyingProfile(
      ProfileSchema.parse({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ERRNO' }],
      }),
      '/run/agent.sock',
      ['SCMP_ARCH_X86_64'],
      [],
    );
    const rule = (action: string) => open.syscalls.find((r) => r.action === action)?.names ?? [];
    expect(rule('SCMP_ACT_NOTIFY')).toEqual(['execve', 'execveat', 'mount']);
    expect(rule('SCMP_ACT_ALLOW')).toEqual(expect.arrayContaining(['read', 'umount2']));
  });
});
