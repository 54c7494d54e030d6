/**
 * The SystemCall* settings of a systemd unit or drop-in, as systemd 252 reads them
 * (src/core/load-fragment.c, config_parse_syscall_filter). What it would pass over with a warning is
 * told in a note, with the line.
 */
import { SysieveError } from '../errors';
import { place } from '../json';
import type { Profile, Rule } from '../profile';
import {
  ABIS,
  type Abi,
  abisOfMachine,
  archOf,
  errnoNumber,
  names,
  type SystemdGroups,
  systemdGroups,
} from '../tables';
import type { Importer } from './types';

const ABI_OF: Readonly<Record<string, Abi>> = {
  'x86-64': 'x86_64',
  x86: 'i386',
  x32: 'x32',
  arm64: 'aarch64',
  arm: 'arm',
};

/** Settings of a unit that install filters, too. */
const OTHERS =
  /^(?:RestrictNamespaces|RestrictAddressFamilies|RestrictRealtime|RestrictSUIDSGID|MemoryDenyWriteExecute|LockPersonality|PrivateDevices|ProtectClock|ProtectHostname|ProtectKernelTunables|ProtectKernelModules|ProtectKernelLogs|SystemCallLog)$/;

interface Setting {
  key: string;
  value: string;
  offset: number;
}

/** Assignments of [Service] and the other sections with an execution environment, in their order. */
function settings(text: string, source: string): Setting[] {
  const made: Setting[] = [];
  let section = '';
  let offset = 0;
  let open: Setting | null = null;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '').trim();
    const at = offset;
    offset += raw.length + 1;
    // A comment may stand between the lines of one value.
    if (/^[#;]/.test(line)) continue;
    const continues = line.endsWith('\\');
    const body = continues ? line.slice(0, -1).trimEnd() : line;
    if (open !== null) {
      open.value = `${open.value} ${body}`.trim();
    } else if (body === '') continue;
    else if (/^\[.*\]$/.test(body)) section = body.slice(1, -1);
    else {
      const equals = body.indexOf('=');
      if (equals < 1) throw fail(text, source, at, 'expected a section, NAME=VALUE or a comment');
      open = {
        key: body.slice(0, equals).trim(),
        value: body.slice(equals + 1).trim(),
        offset: at,
      };
      if (/^(?:Service|Socket|Mount|Swap)$/.test(section)) made.push(open);
    }
    if (!continues) open = null;
  }
  return made;
}

function fail(
  text: string,
  source: string,
  offset: number,
  says: string,
  remedy?: string,
): SysieveError {
  return new SysieveError('input', 'systemd-unit', `${place(source, text, offset)}: ${says}`, {
    ...(remedy === undefined ? {} : { remedy }),
  });
}

type Denial = { errno: number } | 'kill';

class Filter {
  allowList: boolean | null = null;
  /** A call, or a group that is not known, to the errno that it is listed with. */
  readonly listed = new Map<string, Denial | null>();

  constructor(
    private readonly groups: SystemdGroups,
    private readonly known: ReadonlySet<string>,
  ) {}

  reset(): void {
    this.allowList = null;
    this.listed.clear();
  }

  /** Whatever is wrong, as a sentence. */
  assign(value: string): string[] {
    const invert = value.startsWith('~');
    const words = (invert ? value.slice(1) : value).split(/\s+/).filter((word) => word !== '');
    if (this.allowList === null) {
      this.allowList = !invert;
      if (this.allowList) this.add('@default', null);
    }
    return words.flatMap((word) => this.word(word, invert) ?? []);
  }

  private word(word: string, invert: boolean): string | null {
    const [name = '', after] = word.split(/:(.*)/s);
    const denial = after === undefined ? null : denialOf(after);
    if (name === '' || denial === undefined) return `systemd ignores ${JSON.stringify(word)}`;
    if (!invert && denial !== null) {
      return `systemd ignores ${JSON.stringify(word)}: only a denied call takes an errno`;
    }
    if (!name.startsWith('@') && !this.known.has(name)) {
      return `${JSON.stringify(name)} is no call that is known here; systemd ignores what libseccomp does not know`;
    }
    const put =
      !invert === this.allowList || (invert && this.allowList === true && denial !== null);
    if (put) this.add(name, denial);
    else return this.remove(name);
    return null;
  }

  private add(name: string, denial: Denial | null): void {
    const members = this.groups.get(name)?.filter((call) => this.known.has(call));
    for (const call of members ?? [name]) this.listed.set(call, denial);
  }

  private remove(name: string): string | null {
    const calls = this.groups.get(name);
    if (calls === undefined && name.startsWith('@')) {
      // Which of the calls that are listed by name it takes out is not known.
      const onlyGroups = [...this.listed.keys()].every((key) => key.startsWith('@'));
      const alone = this.listed.size === 0 || (this.listed.size === 1 && this.listed.has(name));
      if (!onlyGroups || !alone) this.listed.set(name, null);
      else this.listed.delete(name);
      return null;
    }
    for (const call of calls ?? [name]) this.listed.delete(call);
    return null;
  }

  /** A group whose calls would have to be known. */
  unknownGroup(): string | null {
    return [...this.listed.keys()].find((key) => key.startsWith('@')) ?? null;
  }
}

/** null: no errno was given; undefined: systemd takes it for none. */
function denialOf(text: string): Denial | undefined {
  if (text === 'kill') return 'kill';
  const errno = /^\d{1,4}$/.test(text) ? Number(text) : errnoNumber(text);
  return errno === null || errno > 4095 ? undefined : { errno };
}

function rulesOf(filter: Filter, byDefault: Denial): Rule[] {
  const groups = new Map<string, Rule>();
  const rule = (denial: Denial): Omit<Rule, 'names'> =>
    denial === 'kill'
      ? { action: 'SCMP_ACT_KILL_PROCESS', args: [] }
      : { action: 'SCMP_ACT_ERRNO', errnoRet: denial.errno, args: [] };
  for (const [name, denial] of filter.listed) {
    const made: Omit<Rule, 'names'> =
      denial !== null
        ? rule(denial)
        : filter.allowList
          ? { action: 'SCMP_ACT_ALLOW', args: [] }
          : rule(byDefault);
    const key = `${made.action} ${made.errnoRet}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { names: [name], ...made });
    else known.names.push(name);
  }
  return [...groups.values()];
}

export const systemd: Importer = ([{ source, text }], options) => {
  const machine = options.arch ?? 'x86_64';
  const own = (abisOfMachine(machine) ?? []) as readonly Abi[];
  const groups: SystemdGroups =
    options.systemdGroups === undefined ? new Map() : systemdGroups(options.systemdGroups);
  if (options.systemdGroups !== undefined && groups.size === 0) {
    throw new SysieveError('input', 'systemd-groups', 'no groups of system calls found', {
      remedy: "Give what 'systemd-analyze syscall-filter' prints on the machine of the service.",
    });
  }
  const notes: string[] = [];
  const known = new Set(ABIS.flatMap((abi) => names(abi)));
  const filter = new Filter(groups, known);
  const others = new Set<string>();
  let abis = new Set<Abi>();
  let byDefault: Denial = 'kill';
  for (const { key, value, offset } of settings(text, source)) {
    const at = place(source, text, offset);
    if (OTHERS.test(key) && !/^(?:|no|false|off|0)$/i.test(value)) others.add(key);
    if (key === 'SystemCallFilter') {
      if (value === '') filter.reset();
      else for (const says of filter.assign(value)) notes.push(`${at}: ${says}`);
    } else if (key === 'SystemCallErrorNumber') {
      const read = value === '' ? 'kill' : denialOf(value);
      if (read === undefined || (read !== 'kill' && read.errno === 0)) {
        notes.push(`${at}: systemd ignores ${JSON.stringify(value)}`);
      } else byDefault = read;
    } else if (key === 'SystemCallArchitectures') {
      if (value === '') abis = new Set();
      for (const word of value.split(/\s+/).filter((one) => one !== '')) {
        const abi = word === 'native' ? own[0] : ABI_OF[word];
        if (abi === undefined)
          notes.push(`${at}: no architecture of ${machine}: ${JSON.stringify(word)}`);
        else if (own.includes(abi)) abis.add(abi);
      }
    }
  }
  const unknown = filter.unknownGroup();
  if (unknown !== null) {
    const why =
      unknown === '@default'
        ? 'every list of permitted calls has the group @default in it, which differs from version to version'
        : `what ${unknown} holds differs from version to version`;
    throw new SysieveError('input', 'systemd-group-unknown', `${source}: ${why}`, {
      remedy:
        "Give the output of 'systemd-analyze syscall-filter' of the machine of the service with --systemd-groups FILE.",
    });
  }
  if (others.size > 0) {
    notes.push(
      `${source}: these settings install filters, too, and are not read: ${[...others].sort().join(', ')}`,
    );
  }
  if (filter.allowList === null && abis.size === 0) {
    throw new SysieveError('input', 'systemd-unit', `${source}: no SystemCallFilter= is set`, {
      remedy: 'Give a unit file or drop-in with SystemCallFilter= in its [Service] section.',
    });
  }
  const [native] = own;
  if (native !== undefined) abis = abis.size === 0 ? new Set(own) : new Set([native, ...abis]);
  const allow = filter.allowList !== true;
  const profile: Profile = {
    defaultAction: allow
      ? 'SCMP_ACT_ALLOW'
      : byDefault === 'kill'
        ? 'SCMP_ACT_KILL_PROCESS'
        : 'SCMP_ACT_ERRNO',
    ...(allow || byDefault === 'kill' ? {} : { defaultErrnoRet: byDefault.errno }),
    architectures: [...abis].map((abi) => archOf(abi) as Profile['architectures'][number]),
    syscalls: rulesOf(filter, byDefault),
  };
  const name = /([^/]+?)(?:\.d\/[^/]*\.conf|\.\w+)?$/.exec(source)?.[1] ?? null;
  return { kind: 'profiles', profiles: [{ name, profile }], notes };
};
