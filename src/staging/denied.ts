/** INTERIM until h-control's. */
import type { Profile } from '../profile';
import type { Run } from '../recording';
import { ENOSYS } from '../tables';
import type { DeniedCall } from './types';

export function deniedCalls(run: Run, profile: Profile): DeniedCall[] {
  const answered = new Set(
    profile.syscalls.filter((r) => r.errnoRet === ENOSYS).flatMap((r) => r.names),
  );
  return run.calls
    .filter((call) => call.denied.count > 0)
    .map((call) => ({
      abi: call.abi,
      number: call.number,
      name: call.name,
      count: call.denied.count,
      errnos: call.denied.errnos,
      executables: call.executables.map((index) => run.executables[index] ?? ''),
      phases: call.phases,
      arguments: null,
      fallback:
        call.name !== null &&
        answered.has(call.name) &&
        Object.keys(call.denied.errnos).every((e) => e === String(ENOSYS)),
    }));
}
