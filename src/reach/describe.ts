/** From a walk to what the document says of one executable. */
import { syscallName } from '../tables';
import type { ReachableExecutable } from './document';
import { bindModules, type Module, type Program } from './program';
import { type Link, walk } from './walk';

const MOST_LINKS = 64;

interface Scanned {
  readonly executable: string;
  readonly interpreters: readonly string[];
  readonly modules: readonly (Module & { sha256: string; buildId: string })[];
  readonly uncovered: readonly { path: string; message: string }[];
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
  return {
    path: executable,
    interpreters: [...interpreters],
    modules: modules.map(({ path, sha256, buildId }) => ({ path, sha256, buildId })),
    calls: reached.map(({ abi, number, cost, chain }) => ({
      abi,
      number,
      name: syscallName(abi, number),
      cost,
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
