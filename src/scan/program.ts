/** The files of one program, scanned: the executable, what it asks for, and what was seen mapped. */
import type { Module, Scan } from '../reach';
import { cached, remember } from './cache';
import { Libraries } from './libraries';
import {
  type Identity,
  identify,
  isRefusal,
  isScript,
  type Refusal,
  readInRoot,
  scanFile,
} from './scanner';

/** A script's interpreter may be one itself; the kernel goes no further (fs/exec.c). */
const MOST_SCRIPTS = 5;
const MOST_FILES = 1024;
const BY_LIBC = /\/(?:libnss_[^/]*|libgcc_s\.so[^/]*|ld-[^/]*|gconv\/[^/]*)$/;

/** BusyBox and uutils; Toybox; coreutils as one file. */
const MULTI_CALL = ['multi-call binary', 'multicall binary', '--coreutils-prog='];

export interface ScannedModule extends Module, Identity {}

export interface ScannedProgram {
  /** As it was executed. */
  readonly executable: string;
  /** What a script names, first to last; empty: it is none. */
  readonly interpreters: readonly string[];
  readonly modules: readonly ScannedModule[];
  /** Many programs in one file, of which the name it is called by chooses (busybox). */
  readonly multiCall: boolean;
  /** What was asked for and is not covered: path or name, and why. */
  readonly uncovered: readonly { path: string; message: string }[];
}

export class ProgramScanner {
  private readonly libraries: Libraries;
  private readonly multiCalls = new Map<string, boolean>();
  private readonly known = new Map<
    string,
    Promise<(Identity & { scan: Scan }) | Refusal | { script: string }>
  >();

  /** `root`: a directory, such as /proc/PID/root or what an image was unpacked into. */
  constructor(private readonly root: string) {
    this.libraries = new Libraries(root);
  }

  /** `mapped`: files that were seen in the memory of such processes; in any order. */
  async scan(executable: string, mapped: readonly string[] = []): Promise<ScannedProgram> {
    const uncovered: { path: string; message: string }[] = [];
    const interpreters: string[] = [];
    let path = executable;
    let file = await this.file(path);
    while (isScript(file) && interpreters.length < MOST_SCRIPTS) {
      path = interpreterOf(file.script);
      interpreters.push(path);
      file = await this.file(path);
    }
    if (isScript(file) || isRefusal(file)) {
      const message = isScript(file) ? 'a script of a script, too deep' : file.message;
      return {
        ...{ executable, interpreters, modules: [], multiCall: false },
        uncovered: [{ path, message }],
      };
    }
    const modules: ScannedModule[] = [{ path, depth: 0, ...file }];
    const seen = new Set([file.sha256]);
    const names = new Set<string>();
    const add = async (
      candidates: readonly string[],
      name: string,
      depth: number,
    ): Promise<void> => {
      if (modules.length >= MOST_FILES)
        return void uncovered.push({ path: name, message: 'too many files' });
      let why = 'not found';
      for (const candidate of candidates) {
        const found = await this.file(candidate);
        if (!isRefusal(found) && !isScript(found)) {
          if (!seen.has(found.sha256)) modules.push({ path: candidate, depth, ...found });
          seen.add(found.sha256);
          return;
        }
        if (isRefusal(found) && found.refused !== 'missing') why = `${candidate}: ${found.message}`;
      }
      uncovered.push({ path: name, message: why });
    };
    const follow = async (from: number): Promise<void> => {
      for (let i = from; i < modules.length; i++) {
        const { path: origin, depth, scan } = modules[i] as ScannedModule;
        for (const name of scan.needed) {
          if (names.has(name)) continue;
          names.add(name);
          await add(await this.libraries.candidates(name, origin, scan.runPath), name, depth + 1);
        }
      }
    };
    await follow(0);
    if (file.scan.interpreter !== '') await add([file.scan.interpreter], file.scan.interpreter, 1);
    const before = modules.length;
    // Loaded by the program itself, as no file asks for it: a module of its own. What libc loads by
    // itself (name services, converters of character sets) is a library of a library.
    for (const one of mapped) await add([one], one, BY_LIBC.test(one) ? 2 : 0);
    await follow(before);
    const multiCall = await this.isMultiCall(path);
    return { executable, interpreters, modules, multiCall, uncovered };
  }

  /** By what such files say of themselves: nothing in their code tells them from others. */
  private async isMultiCall(path: string): Promise<boolean> {
    const known = this.multiCalls.get(path);
    if (known !== undefined) return known;
    const bytes = await readInRoot(this.root, path);
    const is = bytes !== null && MULTI_CALL.some((words) => bytes.includes(words));
    this.multiCalls.set(path, is);
    return is;
  }

  /** Of what processes had mapped, that of the processes that ran this executable. */
  async mappedBy(
    executable: string,
    mapped: ReadonlyMap<string, ReadonlySet<string>>,
  ): Promise<string[]> {
    const known = mapped.get(executable);
    if (known !== undefined) return [...known];
    // Executed by another name: a link.
    const own = await this.file(executable);
    if (isRefusal(own) || isScript(own)) return [];
    for (const [path, files] of mapped) {
      const other = await this.file(path);
      if (!isRefusal(other) && !isScript(other) && other.sha256 === own.sha256) return [...files];
    }
    return [];
  }

  private file(path: string): Promise<(Identity & { scan: Scan }) | Refusal | { script: string }> {
    const known = this.known.get(path);
    if (known !== undefined) return known;
    const made = this.look(path);
    this.known.set(path, made);
    return made;
  }

  private async look(
    path: string,
  ): Promise<(Identity & { scan: Scan }) | Refusal | { script: string }> {
    const identity = await identify(this.root, path);
    if (isRefusal(identity) || isScript(identity)) return identity;
    const have = cached(identity.sha256);
    if (have !== null) return { sha256: identity.sha256, buildId: have.buildId, scan: have };
    const scanned = await scanFile(this.root, path);
    if (isRefusal(scanned)) return scanned;
    remember(scanned.sha256, scanned.scan);
    return { sha256: scanned.sha256, buildId: scanned.scan.buildId, scan: scanned.scan };
  }
}

/** As the kernel reads the line: the first word (fs/binfmt_script.c). */
function interpreterOf(line: string): string {
  return /^[ \t]*([^ \t\0]*)/.exec(line)?.[1] ?? '';
}
