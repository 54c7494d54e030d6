/** systemd's groups of system calls: they differ from version to version, so that none is kept here. */

/** Group, with its @, to its members, calls alone. */
export type SystemdGroups = ReadonlyMap<string, readonly string[]>;

/** What `systemd-analyze syscall-filter` prints. Groups within groups are resolved; empty where there is none. */
export function systemdGroups(text: string): SystemdGroups {
  const direct = new Map<string, string[]>();
  let group: string[] | undefined;
  for (const line of text.split('\n')) {
    const word = line.trim();
    if (/^@[a-z0-9-]+$/.test(line)) {
      group = [];
      direct.set(line, group);
    } else if (line.startsWith('#')) group = undefined;
    else if (/^[@a-z_][a-z0-9_-]*$/.test(word)) group?.push(word);
  }
  const resolve = (name: string, seen: readonly string[]): string[] =>
    (direct.get(name) ?? []).flatMap((word) => {
      if (!word.startsWith('@')) return [word];
      return seen.includes(word) ? [] : resolve(word, [...seen, word]);
    });
  const made = [...direct.keys()].map((name): [string, string[]] => [
    name,
    [...new Set(resolve(name, [name]))].sort(),
  ]);
  return new Map(made);
}
