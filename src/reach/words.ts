/** What was not exercised, in words: for profile, check, lint and explain alike. */
import type { UnseenEvidence } from '../profile';

/** What the names of functions on the way tell of when they run. */
const HINTS: readonly (readonly [functions: RegExp, hint: string])[] = [
  [/reopen|rotat/i, 'rotate its logs'],
  [/reload|reconfig|sighup|hup_handler/i, 'have it reload its configuration (SIGHUP)'],
  [/cache/i, 'fill its cache, and let it expire'],
  [/upstream|proxy|backend/i, 'have it talk to a backend'],
  [/resolv|getaddrinfo|gethostby|dns/i, 'have it look up a host name'],
  [/replic|slave|primary|standby/i, 'connect a replica'],
  [/bgsave|rdb|aof|snapshot|checkpoint|dump/i, 'have it save its data'],
  [/^system$|popen|posix_spawn|exec_?cmd|spawn/i, 'have it start another program'],
  [/daemon/i, 'start it as a daemon'],
  [/history|readline/i, 'use it by hand, with a terminal'],
  [/unix.*(?:sock|listen)|(?:sock|listen).*unix/i, 'connect by a Unix socket'],
  [/sendfile/i, 'serve a large file'],
  [/abort|panic|fatal|assert|crash/i, 'it is about to fail: hard to provoke, and seldom needed'],
  [/shutdown|quit|terminate/i, 'stop it while it is at work'],
];

/** null: the way does not tell. */
export function suggestion(chain: readonly string[]): string | null {
  for (const [functions, hint] of HINTS)
    if (chain.some((name) => functions.test(name))) return hint;
  return null;
}

const SHOWN = 3;

function plain(chain: readonly string[]): string {
  const [first = ''] = chain;
  const hint = suggestion(chain);
  return hint === null ? first : `${first}: ${hint}`;
}

/** null: there is none. Names are the container's: escape them for where they are shown. */
export function unseenSentence(unseen: readonly UnseenEvidence[]): string | null {
  if (unseen.length === 0) return null;
  const likely = unseen.filter(({ likelihood }) => likelihood === 'likely');
  const calls = unseen.length === 1 ? '1 call' : `${unseen.length} calls`;
  const head = `${calls} reachable but not exercised, ${likely.length} of them likely`;
  if (likely.length === 0) return head;
  // Those that say what to do come first.
  const told = [...likely].sort(
    (a, b) => Number(suggestion(a.chain) === null) - Number(suggestion(b.chain) === null),
  );
  const some = told.slice(0, SHOWN).map(({ name, chain }) => `${name} (${plain(chain)})`);
  return `${head}: ${some.join(', ')}${likely.length > SHOWN ? ', …' : ''}`;
}
