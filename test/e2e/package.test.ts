/** The npm package records where there is nothing but node: every tracer, under each version of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAKING_MS, makePackageRoot, NODES, type PackageRoot } from '../support/package-root';
import { privileged } from '../support/recorder';

privileged.each(NODES)('the package under node %s (needs root)', (version) => {
  let root: PackageRoot;

  beforeAll(() => {
    root = makePackageRoot('e2e', version);
    const { status, stderr } = root.run('npm install ./sysieve.tgz');
    if (status !== 0) throw new Error(stderr);
  }, MAKING_MS);
  afterAll(() => root.remove());

  it.each(['ebpf', 'ptrace', 'notify'])(
    'record --tracer %s -- ls',
    (tracer) => {
      const line = `npx sysieve record --tracer ${tracer} -o ${tracer}.json -- ls -l /`;
      expect(root.run(line)).toMatchObject({ status: 0, stdout: expect.stringContaining('opt') });
      const text = readFileSync(join(root.directory, 'app', `${tracer}.json`), 'utf8');
      const [run] = JSON.parse(text).runs;
      expect(run.completeness.complete).toBe(true);
      const names = run.calls.map((call: { name: string }) => call.name);
      expect(names).toEqual(expect.arrayContaining(['getdents64', 'write', 'exit_group']));
    },
    30_000,
  );

  it('record --reach -- ls', () => {
    expect(root.run('npx sysieve record --reach -o reached.json -- ls')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/[1-9]\d* calls reachable but not exercised/),
    });
    const kept = readFileSync(join(root.directory, 'app/reached.reach.json'), 'utf8');
    expect(JSON.parse(kept).executables).toHaveLength(1);
  });

  it('minimise, verify and run with what was recorded', () => {
    const steps = [
      'sysieve minimise ebpf.json -o ls-profile.json --runtime sysieve',
      'sysieve verify ls-profile.json --recording ebpf.json',
      'sysieve run --profile ls-profile.json -- ls -l /',
    ];
    for (const step of steps) expect(root.run(step)).toMatchObject({ status: 0 });
    // What ls did not need is denied.
    expect(root.run('sysieve run --profile ls-profile.json -- mkdir made').status).not.toBe(0);
  });

  it('doctor, in an empty directory', () => {
    const { status, stdout } = root.run('mkdir -p empty && cd empty && npx sysieve doctor');
    expect(status).toBe(0);
    for (const name of ['ebpf (tp_btf)', 'ebpf (raw tracepoints)', 'ptrace', 'notify']) {
      expect(stdout).toMatch(
        new RegExp(`^ok  tracer ${name.replace(/[()]/g, '\\$&')} +usable`, 'm'),
      );
    }
    expect(stdout).toMatch(/^ok {2}libseccomp +version 2\./m);
    expect(stdout).toContain('recording works here');
    // Those are for a clone.
    expect(stdout).not.toMatch(/npm run|scripts\//);
  });
});
