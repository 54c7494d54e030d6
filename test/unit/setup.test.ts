/** scripts/setup with the system's commands replaced: what it installs, and what it says instead. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const script = resolve(__dirname, '../../scripts/setup');
const POLICY = '/usr/sbin/policy-rc.d';

let bin: string;
let log: string;

/** A command in front of the real one on the PATH: logs its arguments, then runs `body`. */
function replace(name: string, body: string): void {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>"${log}"\n${body}\n`);
  chmodSync(file, 0o755);
}

/** dpkg-query that knows every package asked for, in the states given; the rest are installed. */
function packages(states: Record<string, string>): void {
  const cases = Object.entries(states).map(([name, state]) =>
    state === 'unknown' ? `${name}) rc=1 ;;` : `${name}) echo "${name} ${state}" ;;`,
  );
  replace(
    'dpkg-query',
    `shift 2; rc=0; for p; do case $p in ${cases.join(' ')} *) echo "$p installed" ;; esac; done; exit $rc`,
  );
}

function setup(level: string) {
  const result = spawnSync(script, [level], {
    encoding: 'utf8',
    timeout: 180_000,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

const calls = (name: string) =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `));

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'sysieve-setup-'));
  log = join(bin, 'calls.log');
  writeFileSync(log, '');
  replace('id', 'echo 0');
  replace('npm', 'exit 1');
  replace('mount', 'exit 0');
  replace('apt-get', '[ -x /usr/sbin/policy-rc.d ] && echo "guarded" >>"$0.guard"; exit 0');
});

afterEach(() => rmSync(bin, { recursive: true, force: true }));

describe('scripts/setup', () => {
  test.each(['build', 'test', 'qa', 'pack', 'vm'])(
    '%s: installs nothing when nothing is missing',
    (level) => {
      packages({});
      const { status, stderr } = setup(level);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(calls('dpkg-query')).toHaveLength(1);
      expect(calls('apt-get')).toEqual([]);
      expect(calls('npm')).toEqual([]);
    },
  );

  test('is done at once when nothing is missing', () => {
    const started = process.hrtime.bigint();
    const result = spawnSync(script, ['build'], { encoding: 'utf8' });
    const ms = Number((process.hrtime.bigint() - started) / 1_000_000n);
    expect(result.status).toBe(0);
    expect(ms).toBeLessThan(10_000);
  });

  test('without root prints the exact command and exits 4', () => {
    packages({ clang: 'unknown', 'zlib1g-dev': 'config-files' });
    replace('id', 'echo 1000');
    const { status, stderr } = setup('build');
    expect(status).toBe(4);
    expect(stderr).toContain(
      'sudo apt-get update && sudo apt-get install --yes --no-install-recommends clang zlib1g-dev\n',
    );
    expect(calls('apt-get')).toEqual([]);
  });

  test('as root installs what is missing, says why, and only then', () => {
    packages({ 'nginx-light': 'unknown', podman: 'not-installed' });
    const policyBefore = existsSync(POLICY);
    const { status, stderr } = setup('test');
    expect(status).toBe(0);
    expect(calls('apt-get')).toEqual([
      'apt-get update',
      'apt-get install --yes --no-install-recommends podman nginx-light',
    ]);
    expect(stderr).toMatch(/podman +engine under test/);
    expect(stderr).not.toMatch(/clang/);
    // Servers are kept from starting while apt-get runs, and the guard does not stay behind.
    expect(readFileSync(join(bin, 'apt-get.guard'), 'utf8')).toBe('guarded\nguarded\n');
    expect(existsSync(POLICY)).toBe(policyBefore);
  });

  test('a failing apt-get is an error with its output, and exits 4', () => {
    packages({ clang: 'unknown' });
    replace('apt-get', 'echo "E: no such mirror" >&2; exit 100');
    const { status, stderr } = setup('build');
    expect(status).toBe(4);
    expect(stderr).toContain('E: no such mirror');
    expect(stderr).toContain('apt-get update failed');
  });

  test('where dpkg is not, lists what to install and exits 4', () => {
    // A folder with what the script uses before it asks, and no dpkg-query, is the whole PATH.
    const tools = 'bash cat cut dirname flock head mkdir node paste sed sort'.split(' ');
    for (const tool of tools) {
      const { stdout } = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
      symlinkSync(stdout.trim(), join(bin, tool));
    }
    const result = spawnSync(join(bin, 'bash'), [script, 'build'], {
      encoding: 'utf8',
      timeout: 180_000,
      env: { PATH: bin },
    });
    expect(result.status).toBe(4);
    expect(result.stderr).toContain('not a Debian system');
    expect(result.stderr).toContain('libbpf-dev');
  });

  test('an unknown level is a usage error', () => {
    const { status, stderr } = setup('everything');
    expect(status).toBe(2);
    expect(stderr).toContain("unknown level 'everything'");
  });
});
