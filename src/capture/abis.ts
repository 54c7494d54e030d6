/**
 * Which ABIs besides x86_64 this kernel carries out, found by running a program of each. To a kernel
 * without i386 `int 0x80` is a fault and an i386 program no executable; one without x32 answers a
 * call of it with ENOSYS.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Null: cannot tell, because no program can be run from the temporary folder. */
export interface ForeignAbis {
  /** 32-bit programs, and `int 0x80` in 64-bit ones; a kernel has both or neither. */
  i386: boolean | null;
  x32: boolean | null;
}

const CARRIED_OUT = 7;
const ANSWERED = 8;

// exit(7) by int 0x80: the same bytes in 32-bit and in 64-bit code.
const EXIT_I386 = [0xb8, 1, 0, 0, 0, 0xbb, CARRIED_OUT, 0, 0, 0, 0xcd, 0x80];
// exit(7) by x32's number; where that came back, exit(8) by x86_64's.
const EXIT_X32 = [0xb8, 60, 0, 0, 0x40, 0xbf, CARRIED_OUT, 0, 0, 0, 0x0f, 0x05];
const EXIT_X86_64 = [0xb8, 60, 0, 0, 0, 0xbf, ANSWERED, 0, 0, 0, 0x0f, 0x05];

const BASE = 0x400000;
const EM_386 = 3;
const EM_X86_64 = 62;

/** A static ELF program of one segment, readable and executable; elf(5). */
function elf(machineId: typeof EM_386 | typeof EM_X86_64, code: number[]): Buffer {
  const wide = machineId === EM_X86_64;
  const header = wide ? 64 : 52;
  const segment = wide ? 56 : 32;
  const size = header + segment + code.length;
  const file = Buffer.alloc(size);
  let at = 0;
  const bytes = (...values: number[]) => {
    for (const value of values) at = file.writeUInt8(value, at);
  };
  const half = (value: number) => {
    at = file.writeUInt16LE(value, at);
  };
  const word = (value: number) => {
    at = file.writeUInt32LE(value, at);
  };
  const address = (value: number) => {
    at = wide ? file.writeBigUInt64LE(BigInt(value), at) : file.writeUInt32LE(value, at);
  };
  const flags = () => word(5);

  bytes(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1);
  at = 16;
  half(2); // ET_EXEC
  half(machineId);
  word(1);
  address(BASE + header + segment); // entry
  address(header); // program headers
  address(0); // no sections
  word(0);
  half(header);
  half(segment);
  half(1);
  at = header;
  word(1); // PT_LOAD
  if (wide) flags();
  for (const value of [0, BASE, BASE, size, size]) address(value);
  if (!wide) flags();
  address(0x1000);
  file.set(code, header + segment);
  return file;
}

/** Whether the program ended by its own first call. */
function carriedOut(directory: string, name: string, program: Buffer): boolean | null {
  const path = join(directory, name);
  writeFileSync(path, program, { mode: 0o700 });
  const { status, signal } = spawnSync(path, [], { stdio: 'ignore', timeout: 10_000 });
  if (status === CARRIED_OUT) return true;
  return status === ANSWERED || signal === 'SIGSEGV' ? false : null;
}

/** Writes programs of some hundred bytes into a temporary folder, runs and removes them. */
export function foreignAbis(): ForeignAbis {
  if (machine() !== 'x86_64') return { i386: false, x32: false };
  const directory = mkdtempSync(join(tmpdir(), 'sysieve-abi-'));
  try {
    const x32 = carriedOut(directory, 'x32', elf(EM_X86_64, [...EXIT_X32, ...EXIT_X86_64]));
    let i386 = carriedOut(directory, 'int80', elf(EM_X86_64, EXIT_I386));
    // Only then: what is no executable to the kernel, Node gives to a shell (execvp).
    if (i386 === true) i386 = carriedOut(directory, 'i386', elf(EM_386, EXIT_I386)) === true;
    return { i386, x32 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
