/** Random profiles that the formats of other tools can carry, and what reading them back must give. */
import fc from 'fast-check';
import { EXPORT_FORMATS, type ExportOptions } from '../../src/export';
import { IMPORT_FORMATS, type ImportOptions } from '../../src/import';
import { type Policy, policyOfProfile } from '../../src/policy';
import type { Condition, Profile, Rule } from '../../src/profile';
import { type Machine, names } from '../../src/tables';
import { U64 } from './policies';

/** Of every kind: in one ABI, in all, multiplexed, of none. */
const NAMES = [
  ...names('x86_64').filter((_, index) => index % 7 === 0),
  ...['read', 'clone', 'clone3', 'socket', 'ipc', 'mmap2', 'recv', 'statx', 'kill', 'rt_sigreturn'],
];

const ERRNO = fc.constantFrom(1, 2, 13, 38, 95, 133);

export type Answers = readonly Profile['defaultAction'][];

interface Can {
  defaults: Answers;
  answers: Answers;
  architectures: fc.Arbitrary<Profile['architectures']>;
  conditions: boolean;
}

function withErrno<Action extends Profile['defaultAction']>(
  action: fc.Arbitrary<Action>,
): fc.Arbitrary<{ action: Action; errnoRet?: number }> {
  return fc
    .tuple(action, ERRNO)
    .map(([one, errnoRet]) =>
      one === 'SCMP_ACT_ERRNO' ? { action: one, errnoRet } : { action: one },
    );
}

const CONDITION: fc.Arbitrary<Omit<Condition, 'index'>> = fc.record({
  op: fc.constantFrom(
    'SCMP_CMP_EQ' as const,
    'SCMP_CMP_MASKED_EQ' as const,
    'SCMP_CMP_MASKED_EQ' as const,
    'SCMP_CMP_NE' as const,
    'SCMP_CMP_LT' as const,
    'SCMP_CMP_LE' as const,
    'SCMP_CMP_GE' as const,
    'SCMP_CMP_GT' as const,
  ),
  value: U64,
  valueTwo: U64,
});

const ARGS = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 5 }), CONDITION), {
    selector: ([index]) => index,
    maxLength: 2,
  })
  .map((made) => made.map(([index, rest]) => ({ index, ...rest })));

export function profiles(can: Can): fc.Arbitrary<Profile> {
  const rule = fc
    .record({
      calls: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 5 }),
      answer: withErrno(fc.constantFrom(...can.answers)),
      args: can.conditions ? ARGS : fc.constant<Condition[]>([]),
    })
    .map(({ calls, answer, args }): Rule => ({ names: calls, ...answer, args }));
  return fc
    .record({
      byDefault: withErrno(fc.constantFrom(...can.defaults)),
      architectures: can.architectures,
      syscalls: fc.array(rule, { maxLength: 8 }),
    })
    .map(({ byDefault, architectures, syscalls }) => ({
      defaultAction: byDefault.action,
      ...(byDefault.errnoRet === undefined ? {} : { defaultErrnoRet: byDefault.errnoRet }),
      architectures,
      syscalls,
    }));
}

export const AARCH64: fc.Arbitrary<Profile['architectures']> = fc.constant(['SCMP_ARCH_AARCH64']);
export const X86_64: fc.Arbitrary<Profile['architectures']> = fc.constant(['SCMP_ARCH_X86_64']);

/**
 * What the profile says, without the ENOSYS that runc alone puts in front: no other tool does.
 * null: libseccomp would compile something else.
 */
export function meaning(profile: Profile, machine: Machine = 'x86_64'): Policy {
  return policyOfProfile(profile, { runtime: 'crun', machine });
}

export async function exported(to: string, profile: Profile, options: ExportOptions = {}) {
  const format = EXPORT_FORMATS.get(to);
  if (format === undefined) throw new Error(to);
  const emit = await format.load();
  const { files, notes } = emit([{ name: 'app', source: 'app.json', text: '', profile }], options);
  const [file] = files;
  if (file === undefined || files.length > 1) throw new Error(`${files.length} files`);
  return { ...file, text: Buffer.from(file.data).toString('utf8'), notes };
}

export async function imported(
  from: string,
  inputs: string | readonly { source: string; text: string }[],
  options: ImportOptions = {},
) {
  const format = IMPORT_FORMATS.get(from);
  if (format === undefined) throw new Error(from);
  const read = await format.load();
  const [first, ...rest] = typeof inputs === 'string' ? [{ source: 'x', text: inputs }] : inputs;
  if (first === undefined) throw new Error('no input');
  return read([first, ...rest], options);
}

export async function readBack(from: string, text: string, options: ImportOptions = {}) {
  const made = await imported(from, text, options);
  if (made.kind !== 'profiles') throw new Error(made.kind);
  const [one] = made.profiles;
  if (one === undefined) throw new Error('no profile');
  return { profile: one.profile, notes: made.notes };
}
