/** Random profiles and calls on which a policy and a compiled filter must agree. */
import fc from 'fast-check';
import type { Call, Context } from '../../src/policy';
import type { Profile } from '../../src/profile';
import { auditArch, X32_BIT } from '../../src/tables';

export type Entry = Profile['syscalls'][number];
export type Condition = Entry['args'][number];

/** Where comparisons of 64 bits in two halves go wrong, if they do. */
const EDGES = [0n, 31n, 32n, 63n].flatMap((bit) => {
  const edge = 1n << bit;
  return [edge - 1n, edge, edge + 1n];
});
export const U64: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...EDGES, (1n << 64n) - 2n, (1n << 64n) - 1n) },
  { weight: 2, arbitrary: fc.bigInt(0n, 7n) },
  { weight: 1, arbitrary: fc.bigInt(0n, (1n << 64n) - 1n) },
);

/** In libseccomp 2.5.4 as in the tables; of every kind: multiplexed, of some ABIs only, of none. */
const NAMES = [
  ...['read', 'getppid', 'clone', 'ioctl', 'execve', 'exit_group', 'openat', 'statx'],
  ...['socket', 'accept', 'accept4', 'recv', 'semop', 'shmget', 'socketcall', 'ipc'],
  ...['chown32', 'mmap2', 'open', 'arch_prctl', 'set_tls', 'no_such_call'],
];

const OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const;

const ACTIONS = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const;

const ERRNOS = [undefined, undefined, 0, 1, 38, 4094];

/** Mostly few values, so that conditions meet; and mostly one argument, so that much is decided. */
function conditions(values: readonly bigint[]): fc.Arbitrary<Condition[]> {
  const none: Condition[] = [];
  const value = fc.constantFrom(...values);
  const ops = fc.oneof(
    fc.constantFrom(...OPERATORS),
    fc.constantFrom<Condition['op']>('SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ'),
  );
  const condition = (index: fc.Arbitrary<number>) =>
    fc.record({ index, op: ops, value, valueTwo: value });
  const any = condition(fc.integer({ min: 0, max: 5 }));
  const distinct = fc.uniqueArray(condition(fc.integer({ min: 0, max: 2 })), {
    selector: ({ index }) => index,
    minLength: 2,
    maxLength: 3,
  });
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(none) },
    { weight: 8, arbitrary: fc.tuple(condition(fc.constant(0))) },
    { weight: 2, arbitrary: fc.tuple(any) },
    { weight: 3, arbitrary: distinct },
    { weight: 1, arbitrary: fc.array(any, { minLength: 2, maxLength: 8 }) },
  );
}

export interface Sample {
  profile: Profile;
  context: Context & { enosys?: 'listed-and-native' | 'listed' };
  layout: 'auto' | 'list' | 'tree';
}

export const SAMPLES: fc.Arbitrary<Sample> = fc
  .record({
    values: fc.array(U64, { minLength: 1, maxLength: 4 }),
    actions: fc.oneof(
      fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1, maxLength: 1 }),
      fc.uniqueArray(fc.constantFrom(...ACTIONS), { minLength: 1, maxLength: 3 }),
    ),
    names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 6 }),
  })
  .chain(({ values, actions, names }) => {
    const entry = fc.record({
      names: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 }),
      action: fc.constantFrom(...actions),
      errnoRet: fc.constantFrom(...ERRNOS),
      args: conditions(values),
    });
    return fc.record({
      defaultAction: fc.constantFrom(...ACTIONS.filter((action) => action !== 'SCMP_ACT_NOTIFY')),
      defaultErrnoRet: fc.constantFrom(...ERRNOS),
      architectures: fc.array(
        fc.constantFrom(
          'SCMP_ARCH_X86_64' as const,
          'SCMP_ARCH_X86' as const,
          'SCMP_ARCH_X32' as const,
          'SCMP_ARCH_AARCH64' as const,
          'SCMP_ARCH_ARM' as const,
        ),
        { maxLength: 5 },
      ),
      entries: fc.array(entry, { maxLength: 8 }),
      runtime: fc.constantFrom('runc' as const, 'crun' as const),
      enosys: fc.constantFrom('listed-and-native' as const, 'listed' as const),
      layout: fc.constantFrom('auto' as const, 'list' as const, 'tree' as const),
    });
  })
  .map((drawn) => {
    const { runtime, enosys, layout, architectures } = drawn;
    // crun refuses an errno for an action that takes none.
    const errno = (action: string, value: number | undefined) =>
      value === undefined || (runtime === 'crun' && !/_(ERRNO|TRACE)$/.test(action))
        ? {}
        : { value };
    const byDefault = errno(drawn.defaultAction, drawn.defaultErrnoRet).value;
    return {
      profile: {
        defaultAction: drawn.defaultAction,
        ...(byDefault === undefined ? {} : { defaultErrnoRet: byDefault }),
        architectures,
        syscalls: drawn.entries.map(({ names, action, errnoRet, args }) => {
          const value = errno(action, errnoRet).value;
          return { names, action, args, ...(value === undefined ? {} : { errnoRet: value }) };
        }),
      },
      context: { runtime, machine: 'x86_64', enosys },
      layout,
    };
  });

/** The audit architectures of the tables, and one that is in none (AUDIT_ARCH_RISCV64). */
export const ARCHS = [
  ...(['x86_64', 'i386', 'aarch64', 'arm'] as const).map(auditArch),
  0xc00000f3,
];

/** Ends of every range that an ABI, the x32 bit or a sign makes. */
const ODD = [
  ...[X32_BIT, 0x7fffffff, 0x80000000, 0xbfffffff, 0xc0000000, 0xffffffff, 983045, 0xf0001],
].flatMap((nr) => [nr - 1, nr, nr + 1].filter((near) => near <= 0xffffffff));

export const NUMBERS = [
  ...Array.from({ length: 601 }, (_, nr) => nr),
  ...Array.from({ length: 601 }, (_, nr) => X32_BIT + nr),
  ...new Set(ODD.filter((nr) => nr < X32_BIT || nr > X32_BIT + 600)),
];

/** struct seccomp_data of each call, one behind the other. */
export function packed(calls: readonly Call[]): Buffer {
  const bytes = Buffer.alloc(64 * calls.length);
  calls.forEach((call, place) => {
    const at = 64 * place;
    bytes.writeUInt32LE(call.nr, at);
    bytes.writeUInt32LE(call.arch, at + 4);
    bytes.writeBigUInt64LE(call.instructionPointer ?? 0n, at + 8);
    call.args?.forEach((value, index) => {
      bytes.writeBigUInt64LE(value, at + 16 + 8 * index);
    });
  });
  return bytes;
}
