/** One line of strace's output taken apart: strace 4 to 6, with any of -f, -t, -tt, -ttt, -r, -n, -i, -y, -Y. */

export type StraceLine =
  /** `args` as printed, without what stands behind the call; null: the line stops within them. */
  | { kind: 'call'; name: string; args: string; result: string | null; ended: boolean }
  | { kind: 'resumed'; name: string; result: string | null }
  | { kind: 'exit' }
  | { kind: 'superseded'; by: number }
  | { kind: 'mode'; bits: '32 bit' | '64 bit' | 'x32'; pid: number | null }
  | { kind: 'attached'; pid: number }
  | { kind: 'detached'; pid: number }
  /** A signal, a stop, a message of strace: no call. */
  | { kind: 'other' };

export interface Prefixed {
  /** null: the line names no process. */
  pid: number | null;
  /** Milliseconds of the clock that the log has; null: none. */
  ms: number | null;
  /** As -n prints it. */
  number: number | null;
  line: StraceLine;
}

const PID = /^(?:\[pid +(\d{1,10})(?:<[^>]{0,64}>)?\] |(\d{1,10})(?:<[^>]{0,64}>)? +(?=\S))/;
const CLOCK = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? /;
const SECONDS = /^ {0,12}(\d{1,12})\.(\d{1,9}) /;
const NUMBER = /^\[ *(\d{1,6})\] /;
const POINTER = /^\[(?:[0-9a-f]{8,16}|\?{8,16})\] /;
const CALL = /^([a-z_][a-z0-9_]{0,63}|\?+)\(/;
const RESUMED = /^<\.\.\. ([a-z_][a-z0-9_]{0,63}|\?+) resumed>(.*)$/s;
const UNFINISHED =
  / ?<(?:unfinished|detached|(?:Cannot restart pid \d{1,10} with )?ptrace\(SYSCALL\): ?[^>]{0,60}) ?(?:\.\.\.)?>\s*$/;
const RESULT = /\)\s*= (?=-?\d|\?)/g;

/** The last one: strings among the arguments may hold anything. */
function resultOf(text: string): { index: number; text: string } | null {
  const found = [...text.matchAll(RESULT)].at(-1);
  return found === undefined
    ? null
    : { index: found.index, text: text.slice(found.index + found[0].length).trim() };
}

/** null: not understood. */
export function straceLine(text: string): Prefixed | null {
  let rest = text;
  let pid: number | null = null;
  const message = messageOf(rest);
  if (message !== null) return { pid: null, ms: null, number: null, line: message };
  const process = PID.exec(rest);
  // A line that starts with seconds (-ttt) and no process starts with digits, too.
  if (process !== null && !/^\d+\.\d/.test(rest)) {
    pid = Number(process[1] ?? process[2]);
    rest = rest.slice(process[0].length);
  }
  let ms: number | null = null;
  const clock = CLOCK.exec(rest);
  const seconds = clock === null ? SECONDS.exec(rest) : null;
  if (clock !== null) {
    const [all, h, m, s, part] = clock;
    ms = ((Number(h) * 60 + Number(m)) * 60 + Number(s)) * 1000 + fraction(part);
    rest = rest.slice(all.length);
  } else if (seconds !== null) {
    ms = Number(seconds[1]) * 1000 + fraction(seconds[2]);
    rest = rest.slice(seconds[0].length);
  }
  // -r beside -t prints both.
  const relative = ms === null ? null : /^\(\+ +\d+\.\d+\) /.exec(rest);
  if (relative !== null) rest = rest.slice(relative[0].length);
  const pointed = POINTER.exec(rest);
  if (pointed !== null && !NUMBER.test(rest)) rest = rest.slice(pointed[0].length);
  let number: number | null = null;
  const numbered = NUMBER.exec(rest);
  if (numbered !== null) {
    number = Number(numbered[1]);
    rest = rest.slice(numbered[0].length);
  }
  const behind = POINTER.exec(rest);
  if (behind !== null) rest = rest.slice(behind[0].length);
  const line = messageOf(rest) ?? callOf(rest);
  return line === null ? null : { pid, ms, number, line };
}

function fraction(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(`0.${digits}`) * 1000;
}

function messageOf(text: string): StraceLine | null {
  const mode =
    /^(?:strace: )?\[ Process PID=(\d{1,10}) runs in (32 bit|64 bit|x32) mode\. \]$/.exec(text);
  if (mode !== null) return { kind: 'mode', bits: mode[2] as '32 bit', pid: Number(mode[1]) };
  const process = /^(?:strace: )?(?:\[ )?Process (\d{1,10}) (attached|detached)\b/.exec(text);
  if (process !== null) {
    const pid = Number(process[1]);
    return process[2] === 'attached' ? { kind: 'attached', pid } : { kind: 'detached', pid };
  }
  if (/^\+\+\+ (?:exited with \d+|killed by \w+(?: \(core dumped\))?) \+\+\+$/.test(text))
    return { kind: 'exit' };
  const superseded = /^\+\+\+ superseded by execve in pid (\d{1,10}) \+\+\+$/.exec(text);
  if (superseded !== null) return { kind: 'superseded', by: Number(superseded[1]) };
  // A line of a stack (-k).
  if (/^ > \S/.test(text)) return { kind: 'other' };
  if (/^--- (?:SIG\w+|stopped by \w+)\b.*---$/.test(text)) return { kind: 'other' };
  return null;
}

function callOf(text: string): StraceLine | null {
  const resumed = RESUMED.exec(text);
  if (resumed !== null) {
    const [, name = '', rest = ''] = resumed;
    const result = resultOf(rest)?.text ?? null;
    if (result === null && !UNFINISHED.test(rest)) return null;
    return { kind: 'resumed', name, result };
  }
  const call = CALL.exec(text);
  if (call === null) return null;
  const [head, name = ''] = call;
  const body = text.slice(head.length);
  const result = resultOf(body);
  if (result === null) {
    if (!UNFINISHED.test(body)) return null;
    return { kind: 'call', name, args: body.replace(UNFINISHED, ''), result: null, ended: false };
  }
  const args = body.slice(0, result.index).replace(UNFINISHED, '');
  return { kind: 'call', name, args, result: result.text, ended: true };
}

/** Register values where strace printed them raw (-e raw=all): hexadecimal, or 0; else null. */
export function rawArguments(args: string): bigint[] | null {
  if (args === '') return [];
  const made: bigint[] = [];
  for (const word of args.replace(/,\s*$/, '').split(', ')) {
    if (!/^(?:0|0x[0-9a-f]{1,16})$/.test(word)) return null;
    made.push(BigInt(word));
  }
  return made;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  v: '\v',
  f: '\f',
  a: '\x07',
};

/** The path of an execve as printed: its first argument, in quotes; null: not there. */
export function executedPath(args: string): string | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"(\.\.\.)?/s.exec(args);
  if (quoted === null) return null;
  const bytes = (quoted[1] ?? '').replace(
    /\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.))/gs,
    (_, hex: string | undefined, octal: string | undefined, one: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return ESCAPES[one ?? ''] ?? one ?? '';
    },
  );
  // strace escapes what is not ASCII byte by byte.
  return /^[\0-\xff]*$/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
