/** What the filter of a run denied: a run and the profile that it was made under. */
import type { Profile } from '../profile';
import type { Call, Run } from '../recording';
import { ENOSYS, syscallName } from '../tables';
import type { DeniedCall } from './types';

/** Calls that the profile itself answers ENOSYS, so that the C library takes another. */
function fallbacks({ syscalls }: Profile): ReadonlySet<string> {
  return new Set(
    syscalls
      .filter(({ action, errnoRet }) => action === 'SCMP_ACT_ERRNO' && errnoRet === ENOSYS)
      .flatMap(({ names }) => names),
  );
}

type Arguments = NonNullable<Call['args']>;

/** Of the denied attempts; null: not tracked, or not recorded. */
export function deniedArguments({ denied }: Call): Arguments | null {
  return (denied as { args?: Arguments | null }).args ?? null;
}

/** "arg0=0x10, arg1=0x3" for each tuple, and what is not known of the others. */
function argumentTexts(call: Call): string[] | null {
  const args = deniedArguments(call);
  if (args === null) return null;
  const texts = args.tuples.map(({ values }) =>
    args.indexes.map((index, at) => `arg${index}=${values[at] ?? '?'}`).join(', '),
  );
  const unknown = args.overflow + args.unreadable;
  return unknown === 0 ? texts : [...texts, `${unknown} more that are not known`];
}

/** In the recording's order. Throws nothing: a run that did not watch denials has none to tell. */
export function deniedCalls(run: Run, profile: Profile): DeniedCall[] {
  const answered = fallbacks(profile);
  return run.calls
    .filter(({ denied }) => denied.count > 0)
    .map((call) => {
      const { abi, number, denied } = call;
      const name = syscallName(abi, number) ?? call.name;
      return {
        abi,
        number,
        name,
        count: denied.count,
        errnos: denied.errnos,
        executables: call.executables.flatMap((index) => run.executables[index] ?? []),
        phases: call.phases,
        arguments: argumentTexts(call),
        fallback:
          name !== null &&
          answered.has(name) &&
          Object.keys(denied.errnos).every((errno) => errno === String(ENOSYS)),
      };
    });
}
