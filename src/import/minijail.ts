/**
 * A minijail policy, as tools/compile_seccomp_policy.py reads it, or as minijail0 -S does. Where they
 * differ (`EXPRESSION; return ERRNO`) it has to be said which of them it is for.
 */
import { SysieveError } from '../errors';
import { policyOfProfile } from '../policy';
import type { Action, Profile, Rule } from '../profile';
import { abisOfMachine, archOf, syscallNumber } from '../tables';
import { Cursor, errno, expression, Malformed, tokens } from './minijail-expression';
import type { Importer, ImportOptions } from './types';

interface Answer {
  action: Action;
  errnoRet?: number;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  allow: 'SCMP_ACT_ALLOW',
  kill: 'SCMP_ACT_KILL_THREAD',
  'kill-thread': 'SCMP_ACT_KILL_THREAD',
  'kill-process': 'SCMP_ACT_KILL_PROCESS',
  trap: 'SCMP_ACT_TRAP',
  log: 'SCMP_ACT_LOG',
  'user-notify': 'SCMP_ACT_NOTIFY',
};

function action(cursor: Cursor): Answer {
  const { text } = cursor.next('an action');
  if (text === '1') return { action: 'SCMP_ACT_ALLOW' };
  if (text === 'return') return { action: 'SCMP_ACT_ERRNO', errnoRet: errno(cursor) };
  if (text === 'trace') return { action: 'SCMP_ACT_TRACE', errnoRet: 0 };
  const found = Object.hasOwn(ACTIONS, text) ? ACTIONS[text] : undefined;
  if (found === undefined) throw new Malformed(`no action: ${JSON.stringify(text)}`);
  return { action: found };
}

interface Line {
  text: string;
  number: number;
}

/** Lines without comments, those that end in a backslash joined with the next. */
function lines(text: string): Line[] {
  const made: Line[] = [];
  let open: Line | null = null;
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\r$/, '');
    const continues = line.endsWith('\\');
    const body = (continues ? line.slice(0, -1) : line).replace(/#.*$/, '');
    if (open === null) open = { text: body, number: index + 1 };
    else open.text += ` ${body}`;
    if (continues) return;
    if (open.text.trim() !== '') made.push(open);
    open = null;
  });
  if (open !== null) made.push(open);
  return made;
}

interface Reading {
  readonly options: ImportOptions;
  readonly abi: 'x86_64' | 'aarch64';
  readonly rules: Map<string, Rule[]>;
  readonly always: Set<string>;
  /** What arguments without a rule get, where a line says it: it must be the default. */
  readonly rest: { name: string; answer: Answer; number: number }[];
  /** Of the line that is read. */
  number: number;
  byDefault: Answer | null;
  denylist: boolean;
  notes: string[];
}

/** Names in front of the colon that are for this machine. */
function descriptors(cursor: Cursor, { abi }: Reading): string[] {
  const made: string[] = [];
  const several = cursor.take('{');
  do {
    const { kind, text } = cursor.next('the name of a call');
    if (kind !== 'word')
      throw new Malformed(`expected the name of a call, found ${JSON.stringify(text)}`);
    if (text.includes('@'))
      throw new Malformed(`the group ${text} is not in the file: name its calls`);
    let here = true;
    if (cursor.take('[')) {
      const { text: key } = cursor.next('a key');
      cursor.expect('=');
      const values: string[] = [];
      do values.push(cursor.next('a value').text);
      while (cursor.take(','));
      cursor.expect(']');
      if (key !== 'arch') throw new Malformed(`metadata ${JSON.stringify(key)} is not known`);
      here = values.includes(abi === 'aarch64' ? 'arm64' : 'x86_64');
    }
    if (!here) continue;
    if (syscallNumber(abi, text) === null) throw new Malformed(`${text} is no call of ${abi}`);
    made.push(text);
  } while (several && cursor.take(','));
  if (several) cursor.expect('}');
  return made;
}

function add(
  reading: Reading,
  name: string,
  { action, errnoRet }: Answer,
  args: Rule['args'],
): void {
  if (reading.always.has(name)) {
    throw new Malformed(`${name} has a rule without conditions already`);
  }
  const known = reading.rules.get(name) ?? [];
  reading.rules.set(name, known);
  const answer = errnoRet === undefined ? { action } : { action, errnoRet };
  known.push({ names: [name], ...answer, args });
  if (args.length === 0) reading.always.add(name);
}

/** The filters of one statement for one call: the first that fits answers. */
function filters(cursor: Cursor, name: string, reading: Reading): void {
  const braces = cursor.take('{');
  do {
    if (cursor.peek()?.kind !== 'argument') {
      const answer = action(cursor);
      // Conditional rules before an unconditional one: libseccomp would let that erase them.
      if ((reading.rules.get(name) ?? []).length > 0 && !reading.always.has(name)) {
        reading.rest.push({ name, answer, number: reading.number });
        reading.always.add(name);
      } else add(reading, name, answer, []);
      continue;
    }
    const alternatives = expression(cursor, name);
    let answer: Answer = { action: 'SCMP_ACT_ALLOW' };
    if (cursor.take(';')) {
      answer = action(cursor);
      const { minijailParser } = reading.options;
      if (!braces && !reading.denylist && minijailParser === undefined) {
        throw new Malformed(
          'minijail0 -S and compile_seccomp_policy.py read an expression with an action differently: ' +
            'say which with --minijail-parser',
        );
      }
      if (minijailParser === 'minijail0' && !braces) {
        reading.rest.push({ name, answer, number: reading.number });
        answer = { action: 'SCMP_ACT_ALLOW' };
      }
    }
    for (const args of alternatives) {
      if (!reading.always.has(name)) add(reading, name, answer, args);
    }
    if (alternatives.length === 0) reading.notes.push(`${name}: no arguments fit its expression`);
  } while (braces && cursor.take(','));
  if (braces) cursor.expect('}');
}

function statement(line: string, reading: Reading): void {
  const trimmed = line.trim();
  if (trimmed === '@denylist') {
    reading.denylist = true;
    return;
  }
  if (/^@include\b/.test(trimmed))
    throw new Malformed('@include: give one file with all of the policy');
  if (/^@frequency\b/.test(trimmed)) return;
  const cursor = new Cursor(tokens(line));
  if (cursor.take('@default')) {
    reading.byDefault = action(cursor);
  } else {
    const start = descriptors(cursor, reading);
    cursor.expect(':');
    for (const name of start) {
      // Once for each name: constants depend on the call.
      const again = new Cursor(tokens(line));
      descriptors(again, reading);
      again.expect(':');
      filters(again, name, reading);
      if (!again.done())
        throw new Malformed(`what follows is too much: ${JSON.stringify(again.peek()?.text)}`);
    }
    return;
  }
  if (!cursor.done()) throw new Malformed('there is more behind the default');
}

function refused(source: string, number: number, says: string): SysieveError {
  return new SysieveError('input', 'minijail-policy', `${source}:${number}: ${says}`, {
    remedy: 'Rewrite the line as docs/EXPORT.md has it.',
  });
}

const sameAnswer = (a: Answer, b: Answer): boolean =>
  a.action === b.action && (a.errnoRet ?? 0) === (b.errnoRet ?? 0);

export const minijail: Importer = ([{ source, text }], options) => {
  const machine = options.arch ?? 'x86_64';
  const abi = (abisOfMachine(machine) ?? [])[0] === 'aarch64' ? 'aarch64' : 'x86_64';
  const reading: Reading = {
    options,
    abi,
    rules: new Map(),
    always: new Set(),
    rest: [],
    number: 0,
    byDefault: null,
    denylist: false,
    notes: [],
  };
  for (const line of lines(text)) {
    reading.number = line.number;
    try {
      statement(line.text, reading);
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      throw refused(source, line.number, thrown.message);
    }
  }
  const fallback = defaultOf(reading, options, source);
  for (const { name, answer, number } of reading.rest) {
    if (sameAnswer(answer, fallback)) continue;
    throw refused(source, number, `${name}: other arguments get another answer than the default`);
  }
  if (reading.byDefault === null && options.defaultAction === undefined && !reading.denylist) {
    reading.notes.push(
      `${source}: other calls are killed (the thread), as minijail has it unless told otherwise; ` +
        '--default-action says how it is compiled',
    );
  }
  if (abi === 'x86_64' && /_(?:ALLOW|LOG)$/.test(fallback.action)) {
    reading.notes.push(
      `${source}: under minijail all calls of x32 pass where the default permits; here they are killed`,
    );
  }
  const profile: Profile = {
    defaultAction: fallback.action,
    ...(fallback.errnoRet === undefined ? {} : { defaultErrnoRet: fallback.errnoRet }),
    architectures: [archOf(abi) as Profile['architectures'][number]],
    syscalls: [...reading.rules.values()].flat(),
  };
  // Throws where libseccomp may not compile the rules to what the lines say.
  policyOfProfile(profile, { runtime: 'crun', machine });
  const name = /([^/]+?)(?:\.policy)?$/.exec(source)?.[1] ?? null;
  return { kind: 'profiles', profiles: [{ name, profile }], notes: reading.notes };
};

function defaultOf(reading: Reading, { defaultAction }: ImportOptions, source: string): Answer {
  if (defaultAction === undefined) {
    if (reading.denylist) return { action: 'SCMP_ACT_ALLOW' };
    return reading.byDefault ?? { action: 'SCMP_ACT_KILL_THREAD' };
  }
  try {
    const cursor = new Cursor(tokens(defaultAction));
    const made = action(cursor);
    if (cursor.done()) return made;
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
  }
  throw new SysieveError(
    'usage',
    'usage',
    `--default-action ${JSON.stringify(defaultAction)}: no action of minijail`,
    {
      remedy: `For ${source}, for example: --default-action 'return 1'.`,
    },
  );
}
