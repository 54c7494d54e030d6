/**
 * Files as a git repository has them. The repository is not trusted: what its configuration names
 * is not run, and nothing is fetched. Only git's own object reading is used: no hooks, filters,
 * textconv or external diff stand behind it.
 */
import { execFile, execFileSync } from 'node:child_process';
import { SysieveError } from '../errors';
import { decodeText, READ_LIMIT, tooLarge } from './files';

const LIMIT_MS = 60_000;

/** Before the command: settings that name programs, which the repository's own would be. */
const SETTINGS = [
  '--no-pager',
  // What is committed, not what refs/replace of this clone puts in its place.
  '--no-replace-objects',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
];

/**
 * The user's own environment, in which the repository may be named (GIT_DIR, also for commands that
 * git itself starts), but an object that is missing is missing: a promisor remote is a program of
 * the repository's choice, started by reading an object.
 */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const name of Object.keys(env)) if (/^GIT_TRACE/.test(name)) delete env[name];
  return {
    ...env,
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
}

interface Answer {
  status: number;
  stdout: Buffer;
  stderr: string;
}

function git(spec: string, args: readonly string[], input: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      [...SETTINGS, ...args],
      // Two files at most, and what git says about them.
      { env: environment(), encoding: 'buffer', timeout: LIMIT_MS, maxBuffer: 2 * READ_LIMIT },
      (error, stdout, stderr) => {
        const code: unknown = error === null ? 0 : error.code;
        if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
          reject(tooLarge(spec, READ_LIMIT, null));
        } else if (typeof code === 'number') {
          resolve({ status: code, stdout, stderr: stderr.toString('utf8').trim() });
        } else {
          reject(
            new SysieveError('system', 'git-failed', `${spec}: git cannot be run`, {
              cause: error?.killed ? `no answer within ${LIMIT_MS / 1000} s` : String(code),
              remedy: 'Install git, or give the profile as a file.',
            }),
          );
        }
      },
    );
    // git may end before it has read anything; its status says why.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Whether a commit's tree or the index has it, be the object here or not. */
async function isNamed(spec: string): Promise<boolean> {
  const args = ['rev-parse', '--quiet', '--verify', '--end-of-options', spec];
  return (await git(spec, args, '')).status === 0;
}

/** In the tree, but not among the objects of this clone. */
function notFetched(spec: string): SysieveError {
  return new SysieveError('input', 'git-object-missing', `${spec}: this clone has not its object`, {
    cause: 'it is a partial clone, or a damaged one; sysieve lets git fetch nothing',
    remedy: `Fetch it first: 'git cat-file blob ${JSON.stringify(spec)}'.`,
  });
}

/** Why git knows nothing of that name, in git's own words. */
async function refusal(spec: string): Promise<SysieveError> {
  if (await isNamed(spec)) return notFetched(spec);
  const { stderr } = await git(spec, ['cat-file', '-t', '--end-of-options', spec], '');
  const lines = stderr.split('\n').map((line) => line.replace(/^(fatal|hint|error): /, ''));
  const remedy = /dubious ownership/.test(stderr)
    ? 'Where you trust the repository, name it in safe.directory, as git says.'
    : /not a git repository/.test(stderr)
      ? 'Give a file that exists, or run sysieve in the repository.'
      : 'Name it as git does: REV:PATH from the top of the work tree, REV:./PATH from here.';
  return new SysieveError('input', 'git-not-found', `${spec}: no such file, and git has none`, {
    cause: `git: ${lines.join(' ')}`,
    remedy,
  });
}

/** The objects in the answer of `git cat-file --batch`; null for one that is not there. */
function* objects(answer: Buffer): Generator<{ type: string; content: Buffer } | null> {
  let at = 0;
  while (at < answer.length) {
    const end = answer.indexOf(0x0a, at);
    if (end === -1) return;
    const [, type, size] =
      /^[0-9a-f]{40,64} (\w+) (\d+)$/.exec(answer.toString('latin1', at, end)) ?? [];
    at = end + 1;
    if (type === undefined) {
      yield null;
      continue;
    }
    const content = answer.subarray(at, at + Number(size));
    at += Number(size) + 1;
    yield { type, content };
  }
}

/**
 * The files that `specs` name, REV:PATH each (git's own grammar); null for one that is missing where
 * the first is there. One git process for all, so that a branch does not move in between. Throws a
 * SysieveError where the first is missing.
 */
export async function readFromGit(specs: readonly string[]): Promise<(string | null)[]> {
  const [first = ''] = specs;
  if (specs.some((spec) => /[\n\0]/.test(spec))) {
    throw new SysieveError('input', 'git-not-found', `${first}: no such file, and git has none`, {
      remedy: 'Give a file: names that are read from git hold no line break.',
    });
  }
  const input = `${specs.join('\n')}\n`;
  const { status, stdout } = await git(first, ['cat-file', '--batch'], input);
  const found = [...objects(stdout)];
  if (status !== 0 || found.length !== specs.length || !found[0]) throw await refusal(first);
  const texts: (string | null)[] = [];
  for (const [index, object] of found.entries()) {
    const spec = specs[index] as string;
    if (object === null) {
      if (await isNamed(spec)) throw notFetched(spec);
      texts.push(null);
      continue;
    }
    if (object.type !== 'blob') {
      throw new SysieveError('input', 'git-not-a-file', `${spec} is a ${object.type}, not a file`, {
        remedy: 'Give REV:PATH with the path of a file.',
      });
    }
    if (object.content.length > READ_LIMIT) {
      throw tooLarge(spec, READ_LIMIT, object.content.length);
    }
    texts.push(decodeText(object.content, spec));
  }
  return texts;
}

/** Whether the user's git shows diffs in colour on a terminal, or where there is none. */
export function gitColours(terminal: boolean): boolean {
  const args = [...SETTINGS, 'config', '--get-colorbool', 'color.diff', String(terminal)];
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { env: environment(), stdio }).toString().trim() === 'true';
  } catch {
    return terminal;
  }
}
