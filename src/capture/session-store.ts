/**
 * Where detached sessions are kept: what is pinned, in a directory of bpffs each; what describes it,
 * in a file below /run each. Both belong to one user, who alone may enter: whoever could plant maps or
 * a description there would have his own data taken for a recording.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { SysieveError } from '../errors';
import { isNewer, migrate, type Versions } from '../json';
import { CompletenessSchema, RunSchema } from '../recording/schema';
import { trackedForKernel } from './capture';
import { processState } from './processes';

const BPF_FS_MAGIC = 0xcafe4a11;
const RECORD_BYTES = 1 << 20;

/** bpffs reserves dots; a name is a directory's and a file's. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

const SESSION_VERSION = 1;
/** Of the description alone. What is pinned has a layout of its own, which is never translated. */
export const SESSION_VERSIONS: Versions = { current: SESSION_VERSION, migrations: {} };

const Common = {
  version: z.literal(SESSION_VERSION),
  id: z.string().regex(ID),
  tool: z.string().max(64),
  owner: z.number().int().nonnegative(),
  /** /proc/sys/kernel/random/boot_id: nothing pinned outlives a boot. */
  boot: z.string().max(64),
  start: z.iso.datetime(),
};

const ArmingSchema = z.strictObject({
  ...Common,
  state: z.literal('arming'),
  /** Who arms it, named uniquely by its start. */
  pid: z.number().int().positive(),
  startTicks: z.number().int().nonnegative(),
});

const RecordingSessionSchema = z.strictObject({
  ...Common,
  state: z.literal('recording'),
  /** A digest of the calls whose arguments are kept, and how: read by other rules they mean others. */
  tracked: z.string().max(128),
  target: RunSchema.shape.target,
  runtime: RunSchema.shape.host.shape.runtime,
  attachedLate: CompletenessSchema.shape.attachedLate,
  blindSpots: CompletenessSchema.shape.blindSpots,
  /** Kernel memory with every map full. */
  mostBytes: z.number().int().nonnegative(),
});
export type RecordingSession = z.infer<typeof RecordingSessionSchema>;

const SessionSchema = z.discriminatedUnion('state', [ArmingSchema, RecordingSessionSchema]);
export type StoredSession = z.infer<typeof SessionSchema>;

/** What lies in the store under one id. */
export interface Stored {
  id: string;
  /** null: there is none, or (`unreadable`) none that this sysieve understands. */
  session: StoredSession | null;
  unreadable: string | null;
  pinned: boolean;
}

function own(): number {
  return process.getuid?.() ?? 0;
}

function mount(): string {
  return process.env.SYSIEVE_BPFFS || '/sys/fs/bpf';
}

function pinsDirectory(): string {
  return join(mount(), own() === 0 ? 'sysieve' : `sysieve-${own()}`);
}

function recordsDirectory(): string {
  const runtime = process.env.XDG_RUNTIME_DIR || `/run/user/${own()}`;
  return join(
    process.env.SYSIEVE_RUNTIME_DIR || (own() === 0 ? '/run' : runtime),
    'sysieve',
    'sessions',
  );
}

export function pinsOf(id: string): string {
  return join(pinsDirectory(), id);
}

function recordOf(id: string): string {
  return join(recordsDirectory(), `${id}.json`);
}

function exposed(path: string, cause: string): SysieveError {
  return new SysieveError('system', 'session-directory-exposed', `${path} cannot be trusted`, {
    cause,
    remedy:
      'Look who made it, and remove it: it must be a directory of mode 0700 of the user who records.',
  });
}

/** Made where it is missing; throws where anybody else may have a hand in it. */
function requireOwn(path: string): void {
  const above = lstatSync(dirname(path), { throwIfNoEntry: false });
  if (above === undefined) throw unusable(path, `there is no ${dirname(path)}`);
  const STICKY = 0o1000;
  if ((above.mode & 0o022) !== 0 && (above.mode & STICKY) === 0) {
    throw exposed(path, `others may write to ${dirname(path)}`);
  }
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, error);
  }
  const found = lstatSync(path);
  if (!found.isDirectory()) throw exposed(path, 'it is no directory');
  if (found.uid !== own()) throw exposed(path, `it belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0) throw exposed(path, 'others may enter it');
}

function unusable(path: string, error: unknown): SysieveError {
  return new SysieveError('system', 'session-store', `cannot use ${path}`, {
    cause: error instanceof Error ? error.message : String(error),
    remedy: 'Run as root, or as a user who may write there.',
  });
}

function isBpfFs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

function requireStore(): void {
  if (!isBpfFs(mount())) {
    throw new SysieveError(
      'system',
      'bpffs-missing',
      `no bpf file system is mounted at ${mount()}`,
      {
        remedy:
          "Mount it with 'mount -t bpf bpf /sys/fs/bpf', or name the place where it is mounted in SYSIEVE_BPFFS.",
      },
    );
  }
  requireOwn(pinsDirectory());
  requireOwn(dirname(recordsDirectory()));
  requireOwn(recordsDirectory());
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

export function trackedDigest(): string {
  const text = JSON.stringify(trackedForKernel(), (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString(16) : value,
  );
  return createHash('sha256').update(text).digest('hex');
}

export function newId(): string {
  return randomBytes(4).toString('hex');
}

/** Throws for a name that no session can have. */
export function checkId(id: string): void {
  if (ID.test(id)) return;
  throw new SysieveError('usage', 'session-name', `no session can be named ${JSON.stringify(id)}`, {
    remedy: 'Use letters, digits, "_" and "-", at most 63, and begin with a letter or digit.',
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(directory, error);
  }
}

export function parseSession(text: string, id: string): Pick<Stored, 'session' | 'unreadable'> {
  const none = (unreadable: string) => ({ session: null, unreadable });
  if (text.length > RECORD_BYTES) return none('it is too large');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return none((error as Error).message);
  }
  if (isNewer(value, SESSION_VERSIONS)) {
    return none(`its description is of version ${value.version}, made by a newer sysieve`);
  }
  const parsed = SessionSchema.safeParse(migrate(value, SESSION_VERSIONS));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return none(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  if (parsed.data.id !== id) return none(`it is of ${parsed.data.id}`);
  return { session: parsed.data, unreadable: null };
}

function read(id: string): Pick<Stored, 'session' | 'unreadable'> {
  let text: string;
  try {
    text = readFileSync(recordOf(id), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { session: null, unreadable: null };
    throw unusable(recordOf(id), error);
  }
  return parseSession(text, id);
}

/** null: nothing has this id. */
export function stored(id: string): Stored | null {
  requireStore();
  const pinned = namesIn(pinsDirectory()).includes(id);
  const { session, unreadable } = read(id);
  if (!pinned && session === null && unreadable === null) return null;
  return { id, session, unreadable, pinned };
}

/** All of this user's, by id. */
export function allStored(): Stored[] {
  requireStore();
  const described = namesIn(recordsDirectory()).flatMap(
    (name) => /^(.+)\.json$/.exec(name)?.[1] ?? [],
  );
  const ids = new Set([...described, ...namesIn(pinsDirectory())]);
  return [...ids].sort().flatMap((id) => stored(id) ?? []);
}

/** The process that arms it lives. */
export function isArming(session: StoredSession | null): boolean {
  if (session?.state !== 'arming' || session.boot !== bootId()) return false;
  return processState(session.pid)?.startTicks === session.startTicks;
}

function temporary(id: string, session: StoredSession): string {
  const path = join(recordsDirectory(), `.${id}.${randomBytes(8).toString('hex')}`);
  writeFileSync(path, `${JSON.stringify(session)}\n`, { flag: 'wx', mode: 0o600 });
  return path;
}

/** Takes the id, in one step; the directory for the pins is there afterwards. */
export function reserve(id: string, tool: string, start: Date): StoredSession {
  checkId(id);
  requireStore();
  const startTicks = processState(process.pid)?.startTicks ?? 0;
  const session: StoredSession = {
    ...{
      version: SESSION_VERSION,
      id,
      tool,
      owner: own(),
      boot: bootId(),
      start: start.toISOString(),
    },
    ...{ state: 'arming', pid: process.pid, startTicks },
  };
  const path = temporary(id, session);
  try {
    linkSync(path, recordOf(id));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(recordOf(id), error);
    throw taken(id);
  } finally {
    unlinkSync(path);
  }
  try {
    mkdirSync(pinsOf(id), { mode: 0o700 });
  } catch (error) {
    unlinkSync(recordOf(id));
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(id);
    throw unusable(pinsOf(id), error);
  }
  return session;
}

function taken(id: string): SysieveError {
  return new SysieveError('input', 'session-exists', `there is a session ${id} already`, {
    remedy: `Give another --session-name, or end it with 'sysieve stop ${id}'; 'sysieve sessions --prune' removes leftovers.`,
  });
}

/** From here on the session counts as whole. */
export function commit(session: RecordingSession): void {
  renameSync(temporary(session.id, session), recordOf(session.id));
}

/** Pins and description; whatever is still attached there is detached by that. */
export function remove(id: string): void {
  const pins = pinsOf(id);
  const found = lstatSync(pins, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    // The links first: without its programs nothing is counted into maps that go.
    const names = readdirSync(pins).sort();
    for (const name of names) unlinkSync(join(pins, name));
    rmdirSync(pins);
  } else if (found !== undefined) {
    unlinkSync(pins);
  }
  rmSync(recordOf(id), { force: true });
}
