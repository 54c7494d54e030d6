/** What was not exercised, in words: for profile, check, lint and explain alike. */
import type { UnseenEvidence } from '../profile';
import type { Reach } from './document';
import type { Unseen } from './unseen';

const FAILING = 'it is about to fail: hard to provoke, and seldom needed';

/** What the names of functions on the way tell of when they run. */
const HINTS: readonly (readonly [functions: RegExp, hint: string])[] = [
  [/(?<!f)reopen|rotat/i, 'rotate its logs'],
  [/reload|reconfig|sighup|hup_handler/i, 'have it reload its configuration (SIGHUP)'],
  [/cache/i, 'fill its cache, and let it expire'],
  [/upstream|proxy|backend/i, 'have it talk to a backend'],
  [/resolv|getaddrinfo|gethostby|dns/i, 'have it look up a host name'],
  [/replic|slave|primary|standby/i, 'connect a replica'],
  [/bgsave|rdb|aof|snapshot|checkpoint|^dump|_dump/i, 'have it save its data'],
  [/^system$|popen|posix_spawn|exec_?cmd|spawn/i, 'have it start another program'],
  [/daemon/i, 'start it as a daemon'],
  [/history|readline/i, 'use it by hand, with a terminal'],
  [/unix.*(?:sock|listen)|(?:sock|listen).*unix/i, 'connect by a Unix socket'],
  [/sendfile/i, 'serve a large file'],
  [/abort|panic|fatal|assert|crash/i, FAILING],
  // shutdown(2) itself is about connections.
  [/.shutdown|shutdown.|quit|terminate/i, 'stop it while it is at work'],
];

/** null: the way does not tell. */
export function suggestion([, ...functions]: readonly string[]): string | null {
  // The first is the program, whose name says nothing of when it does what.
  for (const [known, hint] of HINTS) if (functions.some((name) => known.test(name))) return hint;
  return null;
}

const SHOWN = 3;

function way(chain: readonly string[]): string {
  const [first = ''] = chain;
  const hint = suggestion(chain);
  return hint === null ? first : `${first}: ${hint}`;
}

function few(names: readonly string[], separator: string): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(separator)}${more}`;
}

type Way = Pick<UnseenEvidence, 'abi' | 'name' | 'chain'>;

/** 0: its way says what to do, and that is worth it; 2: it is not. */
function use({ chain }: Way): number {
  const hint = suggestion(chain);
  return hint === null ? 1 : hint === FAILING ? 2 : 0;
}

/** Calls of which the same is to be done stand together, and those first that say what that is. */
function byWay(calls: readonly Way[]): string {
  const told = [...calls].sort((a, b) => use(a) - use(b));
  const ways = new Map<string, string[]>();
  for (const { abi, name, chain } of told) {
    const names = ways.get(way(chain)) ?? [];
    names.push(abi === 'x86_64' ? name : `${name} (${abi})`);
    ways.set(way(chain), names);
  }
  const each = [...ways].map(([how, names]) => `${few(names, ', ')} (${how})`);
  return `${each.slice(0, SHOWN).join('; ')}${each.length > SHOWN ? '; …' : ''}`;
}

/** null: there is none. Names are the container's: escape them for where they are shown. */
export function unseenSentence(unseen: readonly UnseenEvidence[]): string | null {
  if (unseen.length === 0) return null;
  const likely = unseen.filter(({ likelihood }) => likelihood === 'likely');
  const calls = unseen.length === 1 ? '1 call' : `${unseen.length} calls`;
  const head = `${calls} reachable but not exercised, ${likely.length} of them likely`;
  return likely.length === 0 ? head : `${head}: ${byWay(likely)}`;
}

/** Of calls that are likely, and were not when the profile was made; null: there is none. */
export function newlyLikely(calls: readonly Way[]): string | null {
  return calls.length === 0 ? null : `likely since the profile was made: ${byWay(calls)}`;
}

/**
 * What of a program was not scanned, and why; null: nothing. Names are the container's, as above.
 */
export function gapsSentence(
  { executables }: Pick<Reach, 'executables'>,
  { unscanned, uncovered }: Pick<Unseen, 'unscanned' | 'uncovered'>,
): string | null {
  const whole = unscanned.map((path) => {
    const [why] = executables.find((one) => one.path === path)?.uncovered ?? [];
    return `${path} (${why?.message ?? 'not looked for'})`;
  });
  const parts = uncovered
    .filter(({ executable }) => !unscanned.includes(executable))
    .map(({ path, message }) => `${path} (${message})`);
  const all = [...new Set([...whole, ...parts])];
  if (all.length === 0) return null;
  return few(all, ', ');
}
