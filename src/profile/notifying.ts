/**
 * A profile under which a container runs as under another, but where that denies a listener is asked.
 * Rules are by name: runc refuses SCMP_ACT_NOTIFY as the default action.
 */
import { abiOf, ENOSYS, names as namesOf } from '../tables';
import type { Action, Profile, Rule } from './schema';

/** runc installs no filter that notifies of it: its own report of the listener is a write. */
const WRITE = 'write';

/** Whatever the profile says: an agent sees by them when a runtime becomes the application. */
const ALWAYS_NOTIFIED = ['execve', 'execveat'];

function permits(action: Action): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG';
}

/** The names that calls under these architectures have, sorted. */
function everyName(architectures: Profile['architectures']): string[] {
  const abis = architectures.map((name) => abiOf(name)).filter((abi) => abi !== null);
  return [...new Set(abis.flatMap((abi) => namesOf(abi)))].sort();
}

function unconditional(names: readonly string[], action: Action): Rule[] {
  return names.length === 0 ? [] : [{ names: [...names], action, args: [] }];
}

/**
 * `profile` null: every call is asked about. Three things differ from `profile` with all its denials
 * asked about: `write` and `unasked` are let through; a number that has no name here, or none in the runtime's
 * libseccomp, answers ENOSYS; and a call that the profile permits with some arguments only is asked
 * about with all, since libseccomp drops rules with conditions beside one without.
 * `architectures`: where the profile lists none.
 */
export function notifyingProfile(
  profile: Profile | null,
  listenerPath: string,
  architectures: Profile['architectures'],
  unasked: readonly string[],
): Profile {
  const listed = profile?.architectures ?? [];
  const base = { architectures: listed.length > 0 ? listed : architectures, listenerPath };
  const flags = profile?.flags === undefined ? {} : { flags: profile.flags };
  const rules = profile?.syscalls ?? [];
  const all = [...new Set([...everyName(base.architectures), ...rules.flatMap((r) => r.names)])];
  const byName = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of rule.names) byName.set(name, [...(byName.get(name) ?? []), rule]);
  }
  const fallback = profile?.defaultAction ?? 'SCMP_ACT_ERRNO';
  /** Permitted whatever its arguments, by every rule there is. */
  const permitted = (name: string): boolean => {
    if (ALWAYS_NOTIFIED.includes(name)) return false;
    const own = byName.get(name) ?? [];
    if (own.length === 0) return permits(fallback);
    if (!own.every((rule) => permits(rule.action))) return false;
    return permits(fallback) || own.some((rule) => rule.args.length === 0);
  };
  const through = [WRITE, ...unasked].filter((name) => !ALWAYS_NOTIFIED.includes(name));
  const allowed = all.filter((name) => through.includes(name) || permitted(name)).sort();
  const asked = all.filter((name) => !allowed.includes(name)).sort();
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    ...base,
    ...flags,
    syscalls: [
      ...unconditional(allowed, 'SCMP_ACT_ALLOW'),
      ...unconditional(asked, 'SCMP_ACT_NOTIFY'),
    ],
  };
}
