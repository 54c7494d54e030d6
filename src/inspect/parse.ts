/** /proc files as values. What does not look as the kernel writes it is left out or null. */
export function statusField(status: string, name: string): string | null {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? null;
}

/** Real, effective, saved and of the file system. */
export function statusIds(status: string, name: 'Uid' | 'Gid'): number[] | null {
  const ids = (statusField(status, name) ?? '').split(/\s+/).map(Number);
  return ids.length === 4 && ids.every((id) => Number.isSafeInteger(id)) ? ids : null;
}

/** A line of uid_map or gid_map: `length` ids from `inside` on are those from `outside` on. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly length: number;
}

export function parseIdMap(text: string): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*$/.exec(line);
    if (match === null) return [];
    const [inside, outside, length] = match.slice(1).map(Number) as [number, number, number];
    return [{ inside, outside, length }];
  });
}

/** The id inside that is `outside` for the reader; null: it has none. */
export function idInside(map: readonly IdRange[], outside: number): number | null {
  const range = map.find((one) => outside >= one.outside && outside < one.outside + one.length);
  return range === undefined ? null : range.inside + (outside - range.outside);
}

/** Every id is itself, as in the first user namespace. */
export function isIdentity(map: readonly IdRange[]): boolean {
  const [only, ...more] = map;
  return more.length === 0 && only?.inside === 0 && only.outside === 0 && only.length > 0xffff_fff0;
}

export interface Mount {
  /** major:minor */
  readonly device: string;
  /** The part of the file system that is mounted. */
  readonly root: string;
  readonly mountpoint: string;
  readonly readOnly: boolean;
  /** Peer group that it passes its mounts on to and gets them from; null: none. */
  readonly shared: number | null;
  /** Peer group that it gets mounts from; null: none. */
  readonly master: number | null;
  readonly type: string;
  readonly source: string;
}

/** The kernel writes space, tab, newline and backslash as octal escapes. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function peer(optional: readonly string[], kind: string): number | null {
  const field = optional.find((one) => one.startsWith(`${kind}:`));
  return field === undefined ? null : Number(field.slice(kind.length + 1));
}

/** In the order of mounting: of two at one place the last is the one that is seen. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const at = line.indexOf(' - ');
    if (at === -1) return [];
    const [, , device, root, mountpoint, options, ...optional] = line.slice(0, at).split(' ');
    const [type = '', source = '', superOptions = ''] = line.slice(at + 3).split(' ');
    if (device === undefined || root === undefined || mountpoint === undefined) return [];
    const isReadOnly = (list: string) => list.split(',').includes('ro');
    return [
      {
        device,
        root: unescapeOctal(root),
        mountpoint: unescapeOctal(mountpoint),
        readOnly: isReadOnly(options ?? '') || isReadOnly(superOptions),
        shared: peer(optional, 'shared'),
        master: peer(optional, 'master'),
        type,
        source: unescapeOctal(source),
      },
    ];
  });
}

export function isBelow(path: string, dir: string): boolean {
  return path === dir || dir === '/' || path.startsWith(`${dir}/`);
}

/** The mount that decides about a path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | null {
  let best: Mount | null = null;
  for (const mount of mounts) {
    if (!isBelow(path, mount.mountpoint)) continue;
    if (best === null || mount.mountpoint.length >= best.mountpoint.length) best = mount;
  }
  return best;
}
