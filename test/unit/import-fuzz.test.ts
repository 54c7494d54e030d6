/** Platforms' formats, mutated: profiles or a SysieveError of kind input come out, soon. */
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { SysieveError } from '../../src/errors';
import { parseProfile, serializeProfile } from '../../src/profile';
import { exported, fileIn, imported, named } from '../support/exporting';
import { mutated } from '../support/mutate';
import { processorMs } from '../support/processor';

jest.setTimeout(process.env.SYSIEVE_SOAK === '1' ? 1_800_000 : 240_000);

const RUNS = process.env.SYSIEVE_SOAK === '1' ? 200_000 : 250;
const BOUND_MS = 5000;

const SMALL = named(
  '{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [' +
    '{"names": ["read"], "action": "SCMP_ACT_ALLOW"}, {"names": ["socket"], "action": "SCMP_ACT_ALLOW", ' +
    '"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]}\n',
);
const GATED =
  '{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [{"architecture": "SCMP_ARCH_X86_64", ' +
  '"subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [{"names": ["bpf"], "action": ' +
  '"SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"], "minKernel": "4.8"}, "errno": "EPERM"}]}';
const CONTEXT = { caps: ['CAP_BPF'], kernel: '5.14', arch: 'x86_64' } as const;

/** As JSON, which is what can be mutated by its structure. */
async function documents(from: string): Promise<string[]> {
  if (from === 'docker' || from === 'podman') return [GATED, SMALL.text];
  const made = await (from === 'kubernetes'
    ? exported(from, SMALL, {
        ...{ workload: 'pod/x', place: 'configmap', container: ['c'], image: 'i' },
      } as const)
    : exported(from, SMALL, from === 'machineconfig' ? { gzipAbove: 10 } : {}));
  const text = from === 'kubernetes' ? fileIn(made, 'configmap.yaml') : fileIn(made, '');
  return [JSON.stringify(parseYaml(text))];
}

test.each(['docker', 'podman', 'spo', 'machineconfig', 'ignition', 'butane', 'kubernetes'])(
  '%s',
  async (from) => {
    const valid = await documents(from);
    for (const text of valid) await imported(from, text, CONTEXT);
    let read = 0;
    await fc.assert(
      fc.asyncProperty(mutated(valid), fc.boolean(), async (document, yaml) => {
        // YAML holds JSON; a line before it is what tells them apart here.
        const text = yaml ? `---\n${document.text}` : document.text;
        const start = processorMs();
        try {
          for (const { profile } of (await imported(from, text, CONTEXT)).profiles) {
            const written = serializeProfile(profile);
            expect(serializeProfile(parseProfile(written, 'again'))).toBe(written);
            read += 1;
          }
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SysieveError);
          expect((thrown as SysieveError).kind).toBe('input');
          expect((thrown as SysieveError).message).toContain('given');
        }
        expect(processorMs() - start).toBeLessThan(BOUND_MS);
      }),
      { numRuns: RUNS },
    );
    expect(read).toBeGreaterThan(0);
  },
);
