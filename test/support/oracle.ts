/** Compiled filters as the judge of what a profile means: how they are made and what they are asked. */
import { SysieveError } from '../../src/errors';
import type { CompileOptions } from '../../src/libseccomp';
import type { Call } from '../../src/policy';
import type { Profile } from '../../src/profile';
import { ABIS, auditArch, syscallNumber, X32_BIT } from '../../src/tables';
import { ARCHS, NUMBERS, packed, type Sample } from './policies';

const ALL = (1n << 64n) - 1n;

/** Every number of one architecture after the other; the arguments differ from sweep to sweep. */
export const SWEEPS = [0n, 1n, 2n, (1n << 31n) - 1n, 1n << 32n, ALL].flatMap((value) =>
  ARCHS.map((arch) => {
    const calls = NUMBERS.map((nr): Call => ({ arch, nr, args: Array(6).fill(value) }));
    return { calls, bytes: packed(calls) };
  }),
);

/** Calls that the entries name, with the values they name, their neighbours and their other halves. */
export function around(profiles: readonly Profile[], random: () => number): Call[] {
  const entries = profiles.flatMap(({ syscalls }) => syscalls);
  const values = [0n, 1n, 1n << 31n, 1n << 32n, ALL];
  for (const { value, valueTwo } of entries.flatMap(({ args }) => args)) {
    for (const named of [value, valueTwo]) {
      values.push(named, named + 1n, named - 1n, named ^ (1n << 32n), named & 0xffffffffn);
    }
    values.push(value & valueTwo, valueTwo | ~value);
  }
  const pick = (): bigint =>
    BigInt.asUintN(64, values[Math.floor(random() * values.length)] as bigint);
  const numbers = new Set(
    entries.flatMap(({ names }) =>
      names.flatMap((name) =>
        ABIS.flatMap((abi) => {
          const number = syscallNumber(abi, name);
          const nr = abi === 'x32' ? (number ?? 0) | X32_BIT : number;
          return number === null ? [] : [`${auditArch(abi)} ${nr}`];
        }),
      ),
    ),
  );
  // The multiplexers of i386.
  numbers.add(`${auditArch('i386')} 102`).add(`${auditArch('i386')} 117`);
  return [...numbers].flatMap((key) => {
    const [arch, nr] = key.split(' ').map(Number) as [number, number];
    return Array.from({ length: 24 }, (_, round): Call => {
      const args = [pick(), pick(), pick(), pick(), pick(), pick()];
      // Codes of the multiplexers are small; and a value of 0 elsewhere isolates a comparison.
      if (round % 3 === 0) args[0] = BigInt(Math.floor(random() * 25));
      if (round % 3 === 1) args.fill(0n, 1);
      return { arch, nr, args };
    });
  });
}

/** Numbers from 0 up to 1, the same ones for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

export function optionsOf({ context, layout }: Sample): CompileOptions {
  return context.runtime === 'runc'
    ? { layout, enosys: context.enosys ?? 'listed-and-native' }
    : { layout, enosys: false, conditions: 'first-six' };
}

/** null: refused, with the code; other errors are defects. */
export function refusal<Made>(make: () => Made): { made: Made } | { code: string } {
  try {
    return { made: make() };
  } catch (error) {
    if (error instanceof SysieveError && error.kind === 'input') return { code: error.code };
    throw error;
  }
}
