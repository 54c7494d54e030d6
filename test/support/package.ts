/** sysieve as it lies in the node_modules of those who use it: its package.json and what that packs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { transformSync } from 'esbuild';
import { ROOT } from './recorder';

export interface Consumer {
  dir: string;
  /** Runs an ES module, or CommonJS for a name in .cjs. */
  node(name: string, code: string): { status: number | null; stdout: string; stderr: string };
  /** Runs TypeScript, types stripped. */
  typescript(name: string, code: string): ReturnType<Consumer['node']>;
  /** Type-checks files that lie in it; '' where all is well. */
  check(files: readonly string[], options: readonly string[]): string;
}

export function consumer(dir: string, { addon }: { addon: boolean }): Consumer {
  const modules = join(dir, 'node_modules');
  const own = join(modules, 'sysieve');
  mkdirSync(own, { recursive: true });
  for (const part of ['package.json', 'dist', 'profiles', join('docs', 'schema')]) {
    const bundle = join(ROOT, 'dist', 'bundle') + sep;
    cpSync(join(ROOT, part), join(own, part), {
      recursive: true,
      filter: (from) => !from.startsWith(bundle),
    });
  }
  if (addon) symlinkSync(join(ROOT, 'build'), join(own, 'build'));
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    link(modules, name);
  }
  writeFileSync(join(dir, 'package.json'), '{"type": "module"}\n');
  const run = (name: string, code: string) => {
    writeFileSync(join(dir, name), code);
    const { status, stdout, stderr } = spawnSync(process.execPath, [name], {
      cwd: dir,
      encoding: 'utf8',
      timeout: 180_000,
    });
    return { status, stdout, stderr };
  };
  return {
    dir,
    node: run,
    typescript: (name, code) =>
      run(`${name}.mjs`, transformSync(code, { loader: 'ts', format: 'esm' }).code),
    check(files, options) {
      const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
      const common = ['--noEmit', '--strict', '--target', 'es2023', '--skipLibCheck', 'false'];
      try {
        execFileSync(process.execPath, [tsc, ...common, ...options, ...files], {
          cwd: dir,
          encoding: 'utf8',
        });
        return '';
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    },
  };
}

/** A package, and where its types are those, beside what is installed already. */
export function link(modules: string, name: string): void {
  const [scope] = name.split('/');
  if (name.startsWith('@')) mkdirSync(join(modules, scope as string), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
}

/** The code of a documentation's examples: `ts` blocks, and which of them are to be run. */
export function examplesIn(markdown: string): { code: string; run: boolean }[] {
  return [...markdown.matchAll(/^```ts( run)?\n(.*?)^```$/gms)].map(([, run, code = '']) => ({
    code,
    run: run !== undefined,
  }));
}

/** Those in `@example` of the comments of the public files. */
export function examplesOfSources(): { file: string; code: string }[] {
  const files = [
    'index.ts',
    'jest.ts',
    ...readdirSync(join(ROOT, 'src', 'api')).map((f) => `api/${f}`),
  ];
  return files.flatMap((file) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    return [...text.matchAll(/^ \* ```ts\n(.*?)^ \* ```$/gms)].map(([, lines = '']) => ({
      file,
      code: lines.replaceAll(/^ \* ?/gm, ''),
    }));
  });
}
