/**
 * The policy of classic BPF programs, by symbolic execution: registers hold words whose bits are
 * conditions on the call, so that every operation is exact. A program only jumps forward; states
 * that agree in all that is still read are one, and no number or value is ever tried.
 */
import { SysieveError } from '../errors';
import { ALLOW_WORD, canonicalWord, stricter } from './answers';
import { at, decode, type Operation, successors } from './bpf';
import { type Policy, policyOf } from './policy';
import { wordVariable } from './variables';
import { calculate, compare, constant, loaded, type Word } from './words';
import { type Node, TOO_LARGE, Workspace } from './workspace';

/**
 * `programs`: struct sock_filter bytes (little-endian), the oldest first, as they are stacked on a
 * process. Throws SysieveError of kind input for a program that the kernel refuses and for one too
 * entangled to be decided exactly.
 */
export function policyOfPrograms(programs: readonly Uint8Array[]): Policy {
  const workspace = new Workspace();
  // Nothing installed allows everything; and ALLOW's data is lost (seccomp_run_filters).
  let stacked = workspace.terminal(ALLOW_WORD);
  programs.forEach((bytes, index) => {
    const name = programs.length === 1 ? 'the filter' : `filter ${index + 1} of ${programs.length}`;
    const node = execute(workspace, decode(bytes, name), name);
    stacked = workspace.apply(stacked, node, stricter);
  });
  return policyOf(workspace, workspace.map(stacked, canonicalWord));
}

/** Registers by place: the accumulator, the index register, the words of memory. */
const A = 0;
const X = 1;
const MEMORY = 2;

function register(name: 'a' | 'x'): number {
  return name === 'a' ? A : X;
}

/** What an instruction reads and writes, as sets of bits by register. */
function effects(operation: Operation): { reads: number; writes: number } {
  const bit = (at: number): number => 1 << at;
  switch (operation.kind) {
    case 'load':
    case 'set':
      return { reads: 0, writes: bit(register(operation.to)) };
    case 'recall':
      return { reads: bit(MEMORY + operation.word), writes: bit(register(operation.to)) };
    case 'store':
      return { reads: bit(register(operation.from)), writes: bit(MEMORY + operation.word) };
    case 'copy':
      return operation.to === 'a'
        ? { reads: bit(X), writes: bit(A) }
        : { reads: bit(A), writes: bit(X) };
    case 'alu':
      return { reads: bit(A) | (operation.operand === 'x' ? bit(X) : 0), writes: bit(A) };
    case 'branch':
      return { reads: bit(A) | (operation.operand === 'x' ? bit(X) : 0), writes: 0 };
    case 'jump':
      return { reads: 0, writes: 0 };
    case 'return':
      return { reads: operation.value === null ? bit(A) : 0, writes: 0 };
  }
}

/** By instruction: the registers whose content is still read from there on. */
function liveness(operations: readonly Operation[]): Int32Array {
  const live = new Int32Array(operations.length);
  for (let place = operations.length - 1; place >= 0; place--) {
    const operation = operations[place] as Operation;
    const { reads, writes } = effects(operation);
    const after = successors(operation, place).reduce(
      (set, next) => set | (live[next] as number),
      0,
    );
    live[place] = (after & ~writes) | reads;
  }
  return live;
}

interface State {
  /** By register; null where nothing reads it any more. */
  readonly registers: readonly (Word | null)[];
  /** The states that may follow, and the answer once it is known. */
  next: State[];
  condition: Node;
  result: Node;
}

/** States a program may have in all: its instructions many times over. */
const STATE_LIMIT = 1 << 17;

function execute(workspace: Workspace, operations: readonly Operation[], name: string): Node {
  const live = liveness(operations);
  const states: Map<string, State>[] = operations.map(() => new Map());
  let count = 0;
  const enter = (place: number, registers: readonly (Word | null)[]): State => {
    const kept = registers.map((word, index) =>
      ((live[place] as number) & (1 << index)) === 0 ? null : word,
    );
    const key = kept.map((word) => (word === null ? '' : word.join())).join(';');
    const known = states[place]?.get(key);
    if (known !== undefined) return known;
    const made: State = { registers: kept, next: [], condition: 0, result: 0 };
    states[place]?.set(key, made);
    count += 1;
    if (count > STATE_LIMIT) throw undecided(name, place);
    return made;
  };
  const zero = constant(workspace, 0);
  const start = enter(0, new Array(MEMORY + 16).fill(zero));
  const deciding = (place: number, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (error instanceof SysieveError && error.code === TOO_LARGE) throw undecided(name, place);
      throw error;
    }
  };
  operations.forEach((operation, place) => {
    for (const state of states[place]?.values() ?? []) {
      deciding(place, () => step(workspace, operation, place, state, enter));
    }
  });
  for (let place = operations.length - 1; place >= 0; place--) {
    for (const state of states[place]?.values() ?? []) {
      deciding(place, () => {
        const [yes, no] = state.next;
        if (no !== undefined) {
          state.result = workspace.choose(state.condition, (yes as State).result, no.result);
        } else if (yes !== undefined) {
          state.result = yes.result;
        }
      });
    }
    // Of what follows nothing is needed any more but the results.
  }
  return start.result;
}

type Enter = (place: number, registers: readonly (Word | null)[]) => State;

function step(
  workspace: Workspace,
  operation: Operation,
  place: number,
  state: State,
  enter: Enter,
): void {
  const { registers } = state;
  const read = (index: number): Word => registers[index] as Word;
  const operandWord = (operand: number | 'x'): Word =>
    operand === 'x' ? read(X) : constant(workspace, operand);
  const go = (changed: number, word: Word): void => {
    state.next = [enter(place + 1, registers.with(changed, word))];
  };
  switch (operation.kind) {
    case 'load':
      go(register(operation.to), loaded(workspace, wordVariable(operation.offset)));
      return;
    case 'set':
      go(register(operation.to), constant(workspace, operation.value));
      return;
    case 'recall':
      go(register(operation.to), read(MEMORY + operation.word));
      return;
    case 'store':
      go(MEMORY + operation.word, read(register(operation.from)));
      return;
    case 'copy':
      go(register(operation.to), read(operation.to === 'a' ? X : A));
      return;
    case 'alu': {
      const operand = operandWord(operation.operand);
      const word = calculate(workspace, operation.operation, read(A), operand);
      go(A, word);
      if (operation.operation !== 'DIV' || operation.operand !== 'x') return;
      // The kernel ends a program that divides by 0 with the word 0 (bpf_convert_filter).
      state.condition = compare(workspace, operand, 'JEQ', constant(workspace, 0));
      state.next = [returned(workspace.terminal(0)), ...state.next];
      return;
    }
    case 'branch':
      state.condition = compare(
        workspace,
        read(A),
        operation.comparing,
        operandWord(operation.operand),
      );
      state.next = [];
      if (state.condition !== workspace.never) state.next.push(enter(operation.yes, registers));
      if (state.condition !== workspace.always) state.next.push(enter(operation.no, registers));
      return;
    case 'jump':
      state.next = [enter(operation.to, registers)];
      return;
    case 'return':
      state.result =
        operation.value === null
          ? terminalsOf(workspace, read(A))
          : workspace.terminal(operation.value);
      return;
  }
}

function returned(result: Node): State {
  return { registers: [], next: [], condition: 0, result };
}

/** Terminals with the word's value. */
function terminalsOf(workspace: Workspace, word: Word): Node {
  return word.reduce(
    (rest, bit, place) =>
      bit === workspace.never
        ? rest
        : workspace.choose(
            bit,
            workspace.map(rest, (value) => value | (1 << place)),
            rest,
          ),
    workspace.terminal(0),
  );
}

function undecided(name: string, place: number): SysieveError {
  return new SysieveError(
    'input',
    'filter-undecided',
    `${at(name, place)}: what it does cannot be decided exactly`,
    {
      cause: 'its outcome depends on the combination of too many bits of the call',
      remedy: 'Compare the profile it was made of: nothing that libseccomp compiles is like this.',
    },
  );
}
