/** The npm package where there is nothing but node: installed without a network, and used. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MAKING_MS,
  makePackageRoot,
  NODES,
  type PackageRoot,
  tarball,
} from '../support/package-root';

const ROOT = join(__dirname, '..', '..');

function succeed(root: PackageRoot, line: string): string {
  const { status, stdout, stderr } = root.run(line);
  if (status !== 0) throw new Error(`${line}: ${status}: ${stderr}${stdout}`);
  return stdout;
}

describe('what is in it', () => {
  let directory: string;
  let files: string[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sysieve-package-'));
    execFileSync('tar', ['-C', directory, '-xzf', tarball()]);
    files = readdirSync(join(directory, 'package'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => lstatSync(join(directory, 'package', path)).isFile(),
    );
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const read = (path: string): Buffer => readFileSync(join(directory, 'package', path));
  const natives = (): string[] =>
    files.filter((path) => /\.node$|\/sysieve-(?:launch|reach)$/.test(path));

  it('has no tests, sources of TypeScript or packages of others', () => {
    expect(
      files.filter((path) => /^(?:test|src|fixtures|bench|node_modules)\//.test(path)),
    ).toEqual([]);
    expect(files.filter((path) => /\.(?:map|o|a|tsbuildinfo)$/.test(path))).toEqual([]);
    for (const path of ['LICENSE', 'NOTICES', 'README.md', 'binding.gyp', 'dist/cli/main.js']) {
      expect(files).toContain(path);
    }
  });

  it('depends on nothing and runs nothing when it is installed', () => {
    const manifest = JSON.parse(read('package.json').toString());
    expect(manifest).not.toHaveProperty('scripts');
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
    expect(manifest.gypfile).toBe(false);
  });

  it('has what its package.json names: command, manual pages, entries with types of their own', () => {
    const { bin, man, exports } = JSON.parse(read('package.json').toString());
    const entries = [exports['.'], exports['./jest']].flatMap(({ types, default: code }) => [
      types,
      code,
    ]);
    const named = [bin.sysieve, ...man, ...entries].map((path) => path.replace('./', ''));
    expect([...man].sort()).toEqual(files.filter((path) => path.startsWith('docs/man/')).sort());
    expect(man.length).toBeGreaterThan(20);
    expect(named.filter((path) => !files.includes(path))).toEqual([]);
    for (const path of named.filter((name) => name.endsWith('.d.ts'))) {
      // Not those in the examples of comments.
      const code = read(path)
        .toString()
        .replaceAll(/\/\*.*?\*\//gs, '');
      expect(code).toMatch(/^declare |^export /m);
      expect(code).not.toMatch(/\bfrom '|\bimport\b|\brequire\(|reference types/);
    }
  });

  it('says nothing of the machine it was made on', () => {
    const telling = files.filter((path) => {
      const bytes = read(path);
      return bytes.includes(ROOT) || bytes.includes('/node_modules/.bin');
    });
    expect(telling).toEqual([]);
  });

  it('its native files need a glibc of 2.28 and no other library', () => {
    expect(natives()).toHaveLength(5);
    for (const path of natives()) {
      const file = join(directory, 'package', path);
      const dynamic = execFileSync('objdump', ['-p', file], { encoding: 'utf8' });
      const needed = [...dynamic.matchAll(/NEEDED +(\S+)/g)].map(([, name]) => name);
      const own = /^(?:lib(?:c|m|pthread|dl)\.so\.\d|ld-linux-x86-64\.so\.2)$/;
      expect(needed.filter((name) => !own.test(name as string))).toEqual([]);
      const versions = [...dynamic.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      expect(versions.length).toBeGreaterThan(0);
      expect(Math.max(...versions)).toBeLessThanOrEqual(28);
    }
  });

  it('its addon shows node no symbol but its own entry', () => {
    const addon = natives().find((path) => path.endsWith('sysieve.node')) as string;
    const file = join(directory, 'package', addon);
    const symbols = execFileSync('nm', ['-D', '--defined-only', file], { encoding: 'utf8' });
    expect(
      symbols
        .trim()
        .split('\n')
        .map((line) => line.split(' ').at(-1))
        .sort(),
    ).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });
});

describe.each(NODES)('under node %s', (version) => {
  let root: PackageRoot;

  beforeAll(() => {
    root = makePackageRoot('engines', version);
  }, MAKING_MS);
  afterAll(() => root.remove());

  it('is installed without a network, by npm alone', () => {
    expect(succeed(root, 'node --version')).toMatch(new RegExp(`^v${version}\\.`));
    expect(root.run('node -e "fetch(\'http://127.0.0.1\')"').status).not.toBe(0);
    expect(root.run('gcc --version || cc --version || make --version').status).not.toBe(0);
    succeed(root, 'npm install ./sysieve.tgz');
    expect(readdirSync(join(root.directory, 'app/node_modules')).sort()).toEqual([
      '.bin',
      '.package-lock.json',
      'sysieve',
    ]);
  });

  it('diff, lint, explain and schema', () => {
    expect(succeed(root, 'npx sysieve diff nginx.json redis.json')).toMatch(/^mixed: /);
    expect(succeed(root, 'sysieve lint nginx.json')).toContain('Totals: ');
    expect(succeed(root, 'sysieve explain openat nginx.json')).toMatch(/^openat\(/);
    expect(JSON.parse(succeed(root, 'sysieve schema profile')).title).toBe('OCI linux.seccomp');
  });

  it('what needs libseccomp: run, and a proof of two profiles', () => {
    expect(succeed(root, 'sysieve run --profile nginx.json -- cat /proc/self/status')).toMatch(
      /^Seccomp:\t2$/m,
    );
    succeed(root, 'sysieve merge nginx.json redis.json -o both.json');
    expect(succeed(root, 'sysieve diff nginx.json both.json')).toMatch(/^widens: /);
  });

  it('the scanner of binaries: what ls can call, and did not', () => {
    succeed(root, 'npx sysieve record --tracer ptrace -o ls.json -- ls');
    const { calls, unexplained, unscanned } = JSON.parse(
      succeed(root, 'npx sysieve reach ls.json --root / --json'),
    );
    // busybox has mount, too.
    expect(calls.map(({ name }: { name: string }) => name)).toContain('execve');
    expect({ unexplained, unscanned }).toEqual({ unexplained: [], unscanned: [] });
  });

  it('the library, by require and import', () => {
    const named = "['minimise', 'mergeRecordings', 'parseProfile'].map((n) => typeof s[n]).join()";
    const wanted = 'function,function,function\n';
    expect(succeed(root, `node -e "const s = require('sysieve'); console.log(${named})"`)).toBe(
      wanted,
    );
    const imported = `import * as s from 'sysieve'; console.log(${named})`;
    expect(succeed(root, `node --input-type=module -e "${imported}"`)).toBe(wanted);
  });
});

describe('where something is missing', () => {
  let root: PackageRoot;

  beforeAll(() => {
    root = makePackageRoot('lacking', '24');
    succeed(root, 'npm install ./sysieve.tgz');
  }, MAKING_MS);
  afterAll(() => root.remove());

  it('no libseccomp: the package that has it', () => {
    const library = '/usr/lib/x86_64-linux-gnu/libseccomp.so.2';
    succeed(root, `mv ${library} ${library}.kept`);
    const { status, stderr } = root.run('sysieve run --profile nginx.json -- true');
    succeed(root, `mv ${library}.kept ${library}`);
    expect(status).toBe(4);
    expect(stderr).toContain('libseccomp.so.2 does not load');
    expect(stderr).toContain('libseccomp2 on Debian');
  });

  it('another platform than those it has native files for: what works there, and where the rest does', () => {
    const natives = join(root.directory, 'app/node_modules/sysieve/prebuilds');
    renameSync(join(natives, 'linux-x64-glibc'), join(natives, 'kept'));
    const { status, stdout, stderr } = root.run(
      `node -e "Object.defineProperty(process, 'arch', { value: 'arm64' }); process.argv.splice(1, 0, 'sysieve'); require('./node_modules/sysieve/dist/cli/main.js')" doctor`,
    );
    expect(succeed(root, 'sysieve diff nginx.json redis.json')).toMatch(/^mixed: /);
    const damaged = root.run('sysieve run --profile nginx.json -- true');
    renameSync(join(natives, 'kept'), join(natives, 'linux-x64-glibc'));
    expect(stderr + stdout).toContain(
      'has native parts for linux-x64-glibc, and this is linux-arm64-glibc',
    );
    expect(stdout).not.toContain('npm run');
    expect(status).toBe(4);
    expect(damaged.status).toBe(4);
    expect(damaged.stderr).toContain('install it again');
  });
});
