/**
 * The files of one process bound to each other, as the loader would: an import binds to the first
 * file in its order that exports the symbol.
 */
import type { Scan, ScannedFunction } from './scanned';

export interface Module {
  /** As the container names it. */
  readonly path: string;
  readonly scan: Scan;
  /** 0: the executable, and modules that it loads by itself; 1: what it asks for by name; 2: what these ask for. */
  readonly depth: number;
}

/** One function of one module. */
export interface Place {
  readonly module: number;
  readonly index: number;
}

export interface Program {
  /** In the loader's order, the executable first. */
  readonly modules: readonly Module[];
  /** Where an import of a module leads; null: to nothing here. */
  bind(module: number, imported: number): Place | null;
  /** The functions exported under a name, whatever the version. */
  named(name: string): readonly Place[];
  function(place: Place): ScannedFunction;
  /** Name of the function, or its distance from the file's beginning. */
  nameOf(place: Place): string;
}

interface Exported extends Place {
  readonly version: string;
  readonly isDefault: boolean;
}

export function bindModules(modules: readonly Module[]): Program {
  const exported = new Map<string, Exported[]>();
  for (const [module, { scan }] of modules.entries()) {
    for (const [name, version, isDefault, index] of scan.exports) {
      const known = exported.get(name);
      const one = { module, index, version, isDefault: isDefault === 1 };
      if (known === undefined) exported.set(name, [one]);
      else known.push(one);
    }
  }
  const find = (name: string, version: string): Exported | undefined => {
    const all = exported.get(name) ?? [];
    if (version === '') return all.find(({ isDefault }) => isDefault) ?? all[0];
    return all.find((one) => one.version === version || one.version === '');
  };
  const at = (module: number, index: number): ScannedFunction => {
    const found = modules[module]?.scan.functions[index];
    if (found === undefined) throw new RangeError(`no function ${index} in module ${module}`);
    return found;
  };
  return {
    modules,
    bind(module, imported) {
      const symbol = modules[module]?.scan.imports[imported];
      if (symbol === undefined) return null;
      const found = find(symbol[0], symbol[1]);
      return found === undefined || found.index < 0 ? null : found;
    },
    named: (name) => (exported.get(name) ?? []).filter(({ index }) => index >= 0),
    function: ({ module, index }) => at(module, index),
    nameOf({ module, index }) {
      const { name, at: address } = at(module, index);
      return name ?? `+0x${address.toString(16)}`;
    },
  };
}
