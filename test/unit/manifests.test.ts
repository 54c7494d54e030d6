/** deploy/openshift: the objects as the APIs take them, with the least that was measured, and one name each. */
import Ajv from 'ajv';
import { documents, podSpec } from '../support/manifests';
import {
  recorderConstraints,
  recorderNamespace,
  recorderRole,
  recorderRoleBinding,
  recorderServiceAccount,
  recorderWorkload,
} from '../support/recorder-schemas';

function expectFits(schema: object, object: unknown): void {
  const validate = new Ajv({ allErrors: true }).compile(schema);
  const valid = validate(object);
  expect([valid, validate.errors]).toEqual([true, null]);
}

const WORKLOADS = ['job/job.yaml', 'daemonset/daemonset.yaml'] as const;

test('namespace, account, role, binding and constraints fit their types', () => {
  expectFits(recorderNamespace, documents('base/namespace.yaml')[0]);
  const [account, role, binding] = documents('base/rbac.yaml');
  expectFits(recorderServiceAccount, account);
  expectFits(recorderRole, role);
  expectFits(recorderRoleBinding, binding);
  expectFits(recorderConstraints, documents('base/scc.yaml')[0]);
});

test.each(WORKLOADS)('%s fits its type, and asks for what the constraints allow', (file) => {
  const [workload] = documents(file) as [{ kind: string }];
  expectFits(recorderWorkload(workload.kind as 'Job' | 'DaemonSet'), workload);
  const [{ securityContext }] = podSpec(file).containers;
  const [scc] = documents('base/scc.yaml') as [Record<string, unknown>];
  expect(securityContext.capabilities).toEqual({
    drop: scc.requiredDropCapabilities,
    add: scc.allowedCapabilities,
  });
  expect(securityContext).toMatchObject({
    runAsUser: (scc.runAsUser as { uid: number }).uid,
    seLinuxOptions: (scc.seLinuxContext as { seLinuxOptions: object }).seLinuxOptions,
  });
  const kinds = podSpec(file).volumes.map(({ name: _, ...source }) => Object.keys(source)[0]);
  expect([...new Set(kinds)].sort()).toEqual(scc.volumes);
});

test('the two workloads give the recorder the same rights and mounts', () => {
  const [job, daemons] = WORKLOADS.map((file) => podSpec(file));
  expect(daemons?.volumes).toEqual(job?.volumes);
  expect(daemons?.containers[0].volumeMounts).toEqual(job?.containers[0].volumeMounts);
  expect(daemons?.containers[0].securityContext).toEqual(job?.containers[0].securityContext);
});

test.each(['job', 'daemonset'])('%s/kustomization.yaml patches what is there', (name) => {
  const [overlay] = documents(`${name}/kustomization.yaml`) as [
    { resources: string[]; patches: [{ patch: string; target: { kind: string; name: string } }] },
  ];
  expect(overlay.resources).toEqual(['../base', `${name}.yaml`]);
  const [workload] = documents(`${name}/${name}.yaml`) as [
    { kind: string; metadata: { name: string } },
  ];
  const [{ patch, target }] = overlay.patches;
  expect(target).toEqual({ kind: workload.kind, name: workload.metadata.name });
  for (const [, path = ''] of patch.matchAll(/path: (\S+)/g)) {
    const found = path
      .slice(1)
      .split('/')
      .reduce<unknown>((node, step) => (node as Record<string, unknown>)?.[step], workload);
    // What has to be said stands there in capitals.
    expect([path, found]).toEqual([path, expect.stringMatching(/^[A-Z/]+$/)]);
  }
});

test('the generated script has a name of its own', () => {
  const [base] = documents('base/kustomization.yaml') as [
    { resources: string[]; configMapGenerator: [{ name: string; files: string[] }] },
  ];
  const [{ name, files }] = base.configMapGenerator;
  expect(files).toEqual(['recorder.js']);
  // kustomize gives it a suffix, also in other objects' references to such a name.
  const others = base.resources.flatMap((file) => documents(`base/${file}`));
  expect(JSON.stringify(others)).not.toContain(`"${name}"`);
  for (const file of WORKLOADS) {
    expect(podSpec(file).volumes).toContainEqual({ name: 'script', configMap: { name } });
  }
});
