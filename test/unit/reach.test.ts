/** What programs can call: binding, ways and their costs, likelihood, what is made of it. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mappedIn } from '../../src/capture/mapped';
import { unseenText } from '../../src/cli/reach';
import { lint } from '../../src/lint';
import { DEFAULT_OPTIONS, minimise } from '../../src/minimise';
import {
  describeProgram,
  type Module,
  newlyLikely,
  type Reach,
  readScan,
  type Scan,
  suggestion,
  unseen,
  unseenSentence,
} from '../../src/reach';
import { bindModules } from '../../src/reach/program';
import { COSTS, walk } from '../../src/reach/walk';
import { ProgramScanner } from '../../src/scan';
import { parseLoaderCache } from '../../src/scan/libraries';
import { reachableCalls } from '../../src/staging/reachable';
import { syscallNumber } from '../../src/tables';
import { makeRecording, makeRun } from '../support/recordings';

// It runs the scanner, which waits for its turn on a busy machine.
const number = (name: string): number => syscallNumber('x86_64', name) ?? -1;

function scan(parts: Partial<Scan>): Scan {
  const empty = {
    version: 1,
    ...{
      buildId: '',
      soname: '',
      interpreter: '',
      runPath: '',
      needed: [],
      static: false,
      go: false,
    },
    ...{
      entry: -1,
      starts: [],
      taken: [],
      takenImports: [],
      imports: [],
      exports: [],
      functions: [],
    },
    ...{ lookedUp: [], undecoded: 0, oddities: 0 },
  };
  return readScan({ ...empty, ...parts }, 'a scan');
}

const fileOf = (path: string, depth: number, parts: Partial<Scan>): Module => ({
  path,
  depth,
  scan: scan(parts),
});

/** An application that calls its libc, which makes calls a step further away each. */
const LIBC = fileOf('/lib/libc.so.6', 1, {
  exports: [
    ['rename', 'GLIBC_2.2.5', 1, 0],
    ['open_memstream', 'GLIBC_2.2.5', 1, 1],
    ['old', 'GLIBC_2.0', 0, 3],
    ['old', 'GLIBC_2.2.5', 1, 0],
  ],
  functions: [
    { at: 16, name: 'rename', native: [number('rename')] },
    { at: 32, name: 'open_memstream', calls: [2], takes: [4] },
    { at: 48, native: [number('mremap')] },
    { at: 64, name: 'old', native: [number('uselib')], unresolved: 1 },
    { at: 80, native: [number('fchdir')] },
    { at: 96, native: [number('swapon')], foreign: [11] },
  ],
  taken: [5],
});
const APP = fileOf('/usr/bin/app', 0, {
  entry: 0,
  needed: ['libc.so.6'],
  imports: [
    ['rename', 'GLIBC_2.2.5'],
    ['open_memstream', ''],
    ['nowhere', ''],
  ],
  functions: [
    { at: 4096, name: '_start', calls: [1] },
    { at: 8192, imports: [0, 1, 2], native: [number('gettid') | 0x4000_0000] },
  ],
});

describe('a scan', () => {
  test.each<[string, object, RegExp]>([
    ['of another version', { version: 2 }, /version/],
    ['with a call beyond its functions', { functions: [{ at: 1, calls: [1] }] }, /calls holds 1/],
    ['with an import that is none', { functions: [{ at: 1, imports: [0] }] }, /imports holds 0/],
    ['with a number that is none', { functions: [{ at: 1, native: [-1] }] }, /native holds -1/],
    ['with an export of nothing', { exports: [['a', '', 1, 3]] }, /exports/],
    ['whose entry is no function', { entry: 0 }, /entry/],
    ['whose names are none', { needed: [7] }, /needed/],
    ['whose lists are none', { starts: 'all' }, /starts is no list/],
  ])('%s is refused', (_, parts, message) => {
    expect(() => scan(parts as Partial<Scan>)).toThrow(message);
  });
});

describe('binding and ways', () => {
  const program = bindModules([APP, LIBC]);
  const found = walk(program);
  const cost = (name: string) => found.reached.find((one) => one.number === number(name))?.cost;

  test('an import binds to the version that it asks for, else to the default one', () => {
    expect(program.bind(0, 0)).toMatchObject({ module: 1, index: 0 });
    expect(program.bind(0, 2)).toBeNull();
    const asks = fileOf('/a', 0, {
      imports: [
        ['old', 'GLIBC_2.0'],
        ['old', ''],
      ],
    });
    const bound = bindModules([asks, LIBC]);
    expect([bound.bind(0, 0)?.index, bound.bind(0, 1)?.index]).toEqual([3, 0]);
  });

  test('what is near the own code costs little', () => {
    expect(cost('rename')).toBe(COSTS.imported);
    expect(cost('mremap')).toBe(COSTS.imported + COSTS.call);
    expect(cost('fchdir')).toBe(COSTS.imported + COSTS.pointer);
    expect(cost('swapon')).toBe(COSTS.data);
    expect(cost('uselib')).toBeUndefined();
  });

  test('each ABI is one of its own', () => {
    expect(found.reached).toContainEqual(
      expect.objectContaining({ abi: 'x32', number: number('gettid') }),
    );
    expect(found.reached).toContainEqual(expect.objectContaining({ abi: 'i386', number: 11 }));
  });

  test('the way is told from the beginning', () => {
    const described = describeProgram({
      executable: '/usr/bin/app',
      interpreters: [],
      modules: [APP, LIBC].map((one) => ({ ...one, sha256: '0'.repeat(64), buildId: '' })),
      uncovered: [],
    });
    expect(described.calls.find(({ name }) => name === 'rename')?.chain).toEqual([
      [0, '_start', 'root'],
      [0, '+0x2000', 'call'],
      [1, 'rename', 'import'],
    ]);
  });

  test('what cannot be reached leaves nothing unresolved', () => {
    expect(found.unresolved).toEqual([]);
    const reaches = bindModules([
      fileOf('/a', 0, {
        entry: 0,
        imports: [['old', 'GLIBC_2.0']],
        functions: [{ at: 1, imports: [0] }],
      }),
      LIBC,
    ]);
    expect(walk(reaches).unresolved).toEqual([{ place: { module: 1, index: 3 }, gates: 1 }]);
  });

  test('a module that the program loads by itself is entered by all that it exports', () => {
    const plugin = fileOf('/usr/lib/app/mod.so', 0, {
      exports: [['mod_init', '', 1, 0]],
      functions: [{ at: 1, native: [number('symlink')] }],
    });
    const loaded = walk(bindModules([APP, LIBC, plugin]));
    expect(loaded.reached.find((one) => one.number === number('symlink'))?.cost).toBe(0);
  });

  test('names that a program may look up lead to what is exported by them', () => {
    const asks = { ...APP, scan: scan({ ...APP.scan, lookedUp: ['old'] }) };
    const looked = walk(bindModules([asks, LIBC]));
    expect(looked.reached.find((one) => one.number === number('uselib'))?.cost).toBe(COSTS.name);
  });
});

/** Calls at costs, as a document has them. */
function reachOf(costs: Readonly<Record<string, number>>): Reach {
  return {
    version: 1,
    executables: [
      {
        path: '/usr/bin/app',
        interpreters: [],
        modules: [
          { path: '/usr/bin/app', sha256: '0'.repeat(64), buildId: '' },
          { path: '/lib/libc.so.6', sha256: '1'.repeat(64), buildId: '' },
        ],
        calls: Object.entries(costs).map(([name, cost]) => ({
          abi: 'x86_64',
          number: number(name),
          name,
          cost,
          chain: [
            [0, 'rotate_logs', 'root'],
            [0, '+0x10', 'call'],
            [1, name, 'import'],
          ],
        })),
        unresolved: [],
        uncovered: [],
      },
    ],
  };
}

const RUN = makeRun(['read', 'write', 'exit_group', { call: 'clone', tuples: [[0x3d0f00n]] }]);
const COMPLETE = makeRecording(RUN);

describe('what was not seen', () => {
  const likelihoods = (costs: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      unseen(reachOf(costs), [RUN]).calls.map(({ name, likelihood }) => [name, likelihood]),
    );

  test('is judged by its cost, its family, and what programs do at their start', () => {
    expect(
      likelihoods({
        rename: 1,
        symlink: 3,
        swapon: 12,
        pwrite64: 4,
        setsid: 1,
        mremap: 6,
        read: 1,
      }),
    ).toEqual({
      rename: 'likely',
      symlink: 'possible',
      swapon: 'remote',
      pwrite64: 'likely',
      setsid: 'possible',
      mremap: 'likely',
    });
  });

  test('what starts programs comes together', () => {
    expect(likelihoods({ execve: 8, wait4: 4, dup2: 10 })).toMatchObject({ dup2: 'likely' });
    expect(likelihoods({ execve: 11, wait4: 4, dup2: 10 })).toMatchObject({ dup2: 'remote' });
  });

  test('what was seen and no scan found is told, and so is what was not scanned', () => {
    const web = reachOf({ read: 1 });
    for (const one of web.executables) one.path = '/usr/bin/web';
    const found = unseen(web, [RUN]);
    expect(found.unexplained.map(({ name }) => name)).toContain('write');
    expect(found.unexplained.map(({ name }) => name)).not.toContain('read');
    expect(found.unscanned).toEqual([]);
    expect(unseen(reachOf({ read: 1 }), [RUN]).unscanned).toEqual(['/usr/bin/web']);
  });

  test('what is to be done for several is said once, and three of each are named', () => {
    const of = (names: string[], ...chain: string[]) =>
      names.map((name) => ({ abi: 'x86_64' as const, name, likelihood: 'likely' as const, chain }));
    const many = [
      ...of(['chmod', 'link', 'rmdir', 'sync'], 'app', 'main'),
      ...of(['rename', 'unlink'], 'app', 'rotate_logs'),
    ];
    const ways = 'rename, unlink (app: rotate its logs); chmod, link, rmdir and 1 more (app)';
    expect(unseenSentence(many)).toBe(
      `6 calls reachable but not exercised, 6 of them likely: ${ways}`,
    );
    expect(newlyLikely(many)).toBe(`likely since the profile was made: ${ways}`);
    expect(newlyLikely([])).toBeNull();
  });

  test('in words, those first that say what to do', () => {
    const made = unseen(reachOf({ rename: 1, swapon: 12 }), [RUN]);
    const words = unseenSentence(
      made.calls.map(({ abi, name, likelihood, chain }) => ({
        abi,
        name,
        likelihood,
        chain: [...chain],
      })),
    );
    expect(words).toBe(
      '2 calls reachable but not exercised, 1 of them likely: rename (app: rotate its logs)',
    );
    expect(unseenSentence([])).toBeNull();
    expect(suggestion(['app', 'ngx_reopen_files'])).toBe('rotate its logs');
    expect(suggestion(['app', 'main'])).toBeNull();
    // Neither the program's own name nor functions that are only spelled alike tell of anything.
    expect(suggestion(['memcached', '_start', 'libc.so.6', 'umask'])).toBeNull();
    expect(suggestion(['app', 'loadfile', 'libc.so.6', 'freopen'])).toBeNull();
    expect(suggestion(['app', 'libc.so.6', 'shutdown'])).toBeNull();
    expect(suggestion(['app', 'finishShutdown', 'libc.so.6', 'flock'])).toBe(
      'stop it while it is at work',
    );
    expect(unseenText(made, false)).toEqual([
      '2 calls reachable but not exercised, 1 of them likely, 1 dangerous',
      '',
      'likely:',
      '  rename             app > rotate_logs > +0x10 > libc.so.6 > rename  (to exercise it: rotate its logs)',
      '',
      'remote:',
      '  1 call; --all lists them',
      'not scanned: /usr/bin/web',
    ]);
  });
});

describe('minimise --reach', () => {
  const make = (
    reach: 'none' | 'report' | 'likely' | 'all',
    costs: Record<string, number>,
    allow: string[] = [],
  ) => {
    const reachable = reachableCalls(unseen(reachOf(costs), [RUN]));
    const made = minimise({
      recordings: [COMPLETE],
      baselines: [],
      options: { ...DEFAULT_OPTIONS, runtimes: 'none', reach, reachable, allow },
    });
    const why = (name: string) => made.evidence.find((call) => call.name === name)?.why ?? null;
    const warnings = made.report.flatMap((pass) => pass.warnings);
    return { ...made, why, warnings };
  };
  const COSTS_OF = { rename: 1, symlink: 3, swapon: 1, mount: 1, ioctl: 1, fchdir: 20 };

  test('none and report add nothing, and report keeps what it knows', () => {
    const [none, told] = [make('none', COSTS_OF), make('report', COSTS_OF)];
    expect(told.profile).toEqual(none.profile);
    expect(none.unseen).toBeUndefined();
    expect(told.unseen?.map(({ name }) => name).sort()).toEqual(Object.keys(COSTS_OF).sort());
    // Without the addresses of functions that have no name.
    expect(told.unseen?.find(({ name }) => name === 'rename')?.chain).toEqual([
      'app',
      'rotate_logs',
      'libc.so.6',
      'rename',
    ]);
  });

  test('likely adds what is near and harmless, and says what it leaves out', () => {
    const made = make('likely', COSTS_OF);
    expect(made.why('rename')).toEqual(['reachable']);
    expect(made.evidence.find(({ name }) => name === 'rename')?.note).toContain('rotate_logs');
    for (const name of ['symlink', 'swapon', 'mount', 'ioctl', 'fchdir'])
      expect(made.why(name)).toBeNull();
    expect(made.warnings.join('\n')).toMatch(/left out: ioctl \(its arguments/);
    expect(made.warnings.join('\n')).toMatch(/left out: mount \(risk tier 2\)/);
    expect(make('likely', COSTS_OF, ['mount']).why('mount')).toEqual(['reachable']);
  });

  test('all adds everything but tiers 1 and 2, and what the default filter refuses', () => {
    const made = make('all', COSTS_OF);
    for (const name of ['rename', 'symlink', 'fchdir', 'ioctl'])
      expect(made.why(name)).toContain('reachable');
    expect(made.unseen?.map(({ name }) => name).sort()).toEqual(['mount', 'swapon']);
    // It was recorded in a container of Docker, whose default filter refuses that.
    expect(made.warnings.join('\n')).toMatch(
      /left out: swapon \(beyond the default filter of docker/,
    );
  });

  test('never takes away what was observed', () => {
    const plain = make('none', {});
    for (const reach of ['likely', 'all'] as const) {
      const names = make(reach, COSTS_OF).evidence.map(({ name }) => name);
      for (const { name } of plain.evidence) expect(names).toContain(name);
    }
  });

  test('a fork comes without the flags that make namespaces, and clone3 is answered ENOSYS', () => {
    const forks = minimise({
      recordings: [makeRecording(makeRun(['read', 'exit_group']))],
      baselines: [],
      options: {
        ...DEFAULT_OPTIONS,
        runtimes: 'none',
        reach: 'likely',
        reachable: reachableCalls(
          unseen(reachOf({ clone3: 1 }), [makeRun(['read', 'exit_group'])]),
        ),
      },
    });
    const rule = forks.profile.syscalls.find(({ names }) => names.includes('clone'));
    expect(rule).toMatchObject({
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: 0x7e020000n, valueTwo: 0n }],
    });
    expect(forks.profile.syscalls.find(({ names }) => names.includes('clone3'))?.errnoRet).toBe(38);
  });

  test('lint says what is likely and refused', () => {
    const made = make('report', { rename: 1, fchdir: 20 });
    const found = lint({
      profile: { format: 'oci', value: made.profile },
      places: () => null,
      target: null,
      resolves: null,
      evidence: {
        version: 3,
        calls: made.evidence,
        excluded: [],
        unseen: made.unseen,
        justifications: {},
      },
    });
    expect(found.filter(({ rule }) => rule === 'reachable-unseen')).toMatchObject([
      { call: 'rename', severity: 'note', reason: 'record it: rotate its logs' },
    ]);
  });
});

describe('files of another root', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'sysieve-root-'));
    process.env.SYSIEVE_CACHE = join(root, 'cache');
    mkdirSync(join(root, 'bin'));
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    symlinkSync('/bin/busybox', join(root, 'bin/sh'));
    symlinkSync('../../../../../../../../bin/ls', join(root, 'bin/out'));
    symlinkSync('loop', join(root, 'bin/loop'));
    writeFileSync(join(root, 'bin/script'), '#!/bin/sh -e\n');
    writeFileSync(join(root, 'bin/deep'), '#!/bin/deep\n');
    writeFileSync(join(root, 'bin/text'), 'no program\n');
  });
  afterAll(() => {
    delete process.env.SYSIEVE_CACHE;
    rmSync(root, { recursive: true, force: true });
  });

  test('a script is its interpreter, by links within the root', async () => {
    const { modules, interpreters, uncovered } = await new ProgramScanner(root).scan('/bin/script');
    expect([interpreters, modules.map(({ path }) => path), uncovered]).toEqual([
      ['/bin/sh'],
      ['/bin/sh'],
      [],
    ]);
    const found = describeProgram({ executable: '/bin/script', interpreters, modules, uncovered });
    const names = found.calls.map(({ name }) => name);
    for (const name of ['execve', 'mount', 'openat', 'reboot']) expect(names).toContain(name);
  });

  test('of many programs in one file, and of an interpreter, all is farther than of others', async () => {
    const scanned = await new ProgramScanner(root).scan('/bin/sh');
    expect(scanned.multiCall).toBe(true);
    const costs = (changes: object) => {
      const { calls } = describeProgram({ ...scanned, multiCall: false, ...changes });
      return new Map(calls.map(({ abi, number, cost }) => [`${abi} ${number}`, cost]));
    };
    const plain = costs({});
    const modules = scanned.modules.map((one) => ({ ...one, path: '/usr/bin/python3.11' }));
    for (const [changes, more] of [
      [{ multiCall: true }, COSTS.data],
      [{ modules }, COSTS.pointer],
    ] as const) {
      for (const [call, cost] of costs(changes)) expect(cost).toBe((plain.get(call) ?? 0) + more);
    }
    // One program that only speaks of others is none of these.
    expect((await new ProgramScanner('/').scan('/bin/ls')).multiCall).toBe(false);
  });

  test('a second look takes it from the cache, with the same answer', async () => {
    const first = await new ProgramScanner(root).scan('/bin/busybox');
    const second = await new ProgramScanner(root).scan('/bin/busybox');
    expect(second).toEqual(first);
  });

  test.each([
    ['/bin/out', /No such file|not found/],
    ['/bin/loop', /symbolic links/],
    ['/bin/deep', /too deep/],
    ['/bin/text', /not an ELF file/],
    ['/bin', /not a regular file/],
    ['/bin/none', /No such file/],
  ])('%s is not scanned, and why is said', async (path, message) => {
    const { modules, uncovered } = await new ProgramScanner(root).scan(path);
    expect(modules).toEqual([]);
    expect(uncovered).toMatchObject([{ message: expect.stringMatching(message) }]);
  });

  test("the loader's cache is read, and what is no cache is none", () => {
    const real = readFileSync('/etc/ld.so.cache');
    expect(parseLoaderCache(real).get('libc.so.6')).toMatch(/^\/.*libc\.so\.6$/);
    for (let size = 0; size < real.length; size += 997) parseLoaderCache(real.subarray(0, size));
    expect(parseLoaderCache(Buffer.from('nothing')).size).toBe(0);
  });

  test('what is mapped to be executed', () => {
    const maps =
      '00400000-00401000 r-xp 00000000 08:01 12   /usr/bin/app\n' +
      '7f00-7f01 r--p 00000000 08:01 13           /usr/share/locale/a b.mo\n' +
      '7f02-7f03 r-xp 00000000 08:01 14           /usr/lib/a\\012b.so\n' +
      '7f04-7f05 r-xp 00000000 08:01 15           /usr/lib/old.so (deleted)\n' +
      '7f06-7f07 r-xp 00000000 00:00 0            [vdso]\n';
    expect(mappedIn(maps)).toEqual(['/usr/bin/app', '/usr/lib/a\nb.so']);
  });
});
