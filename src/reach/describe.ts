/** From a walk to what the document says of one executable. */
import { syscallName } from '../tables';
import type { ReachableExecutable } from './document';
import { bindModules, type Module, type Program } from './program';
import { COSTS, type Link, walk } from './walk';

const MOST_LINKS = 64;

interface Scanned {
  readonly executable: string;
  readonly interpreters: readonly string[];
  readonly modules: readonly (Module & { sha256: string; buildId: string })[];
  /** See ScannedProgram of src/scan. */
  readonly multiCall?: boolean;
  readonly uncovered: readonly { path: string; message: string }[];
}

/** What they call is written in scripts, which nothing here reads. */
const INTERPRETER =
  /\/(?:beam\.smp|bun|deno|dotnet|guile|java|lua|luajit|mono|node|nodejs|perl|php|php-cgi|php-fpm|pypy|python|ruby|tclsh)[\d.]*$/;

/**
 * That a call lies in the program's own code says little where another decides what of that code runs: the
 * name it was called by (as where anybody may call what lies in a library's data), or a script (as where a
 * function is called by its address).
 */
function farther({ modules, multiCall }: Scanned): number {
  if (multiCall === true) return COSTS.data;
  return INTERPRETER.test(modules[0]?.path ?? '') ? COSTS.pointer : 0;
}

/** Of each module on the way the functions where one enters and leaves it. */
function shortened(
  program: Program,
  chain: readonly Link[],
): ReachableExecutable['calls'][number]['chain'] {
  const kept = chain.filter((link, at) => {
    const before = chain[at - 1];
    const after = chain[at + 1];
    return before?.module !== link.module || after?.module !== link.module;
  });
  return kept
    .slice(-MOST_LINKS)
    .map((link) => [link.module, program.nameOf(link).slice(0, 512), link.step]);
}

export function describeProgram(scanned: Scanned): ReachableExecutable {
  const { executable, interpreters, modules, uncovered } = scanned;
  const program = bindModules(modules);
  const { reached, unresolved } = walk(program);
  const more = farther(scanned);
  return {
    path: executable,
    interpreters: [...interpreters],
    modules: modules.map(({ path, sha256, buildId }) => ({ path, sha256, buildId })),
    calls: reached.map(({ abi, number, cost, chain }) => ({
      abi,
      number,
      name: syscallName(abi, number),
      cost: cost + more,
      chain: shortened(program, chain),
    })),
    unresolved: unresolved.map(({ place, gates }) => ({
      module: place.module,
      function: program.nameOf(place).slice(0, 512),
      gates,
    })),
    uncovered: uncovered.map(({ path, message }) => ({
      path: path.slice(0, 4096),
      message: message.slice(0, 4096),
    })),
  };
}
