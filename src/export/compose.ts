/** Compose: a file to be added to the project's own, with the profile beside it. */
import { SysieveError } from '../errors';
import { engineFile } from './engine-file';
import type { Emitter } from './types';
import { toYaml } from './yaml';

/** compose-spec schema/compose-spec.json: services. */
const SERVICE = /^[a-zA-Z0-9._-]+$/;

export const compose: Emitter = ([profile], options) => {
  const { text, notes } = engineFile(profile, 'docker', options);
  const services = [...new Set(options.container ?? [profile.name])];
  const wrong = services.find((name) => !SERVICE.test(name));
  if (wrong !== undefined) {
    throw new SysieveError('input', 'name-invalid', `${JSON.stringify(wrong)} names no service`, {
      remedy: 'Of letters, digits, ., _ and -.',
    });
  }
  const file = `${profile.name}.json`;
  const opt = { security_opt: [`seccomp=./${file}`] };
  const name = `compose.${profile.name}-seccomp.yaml`;
  return {
    files: [
      { name, data: toYaml({ services: Object.fromEntries(services.map((each) => [each, opt])) }) },
      { name: file, data: text },
    ],
    notes: [
      ...notes,
      `docker compose -f compose.yaml -f ${name} up: the profile is looked for beside compose.yaml`,
      'a service that is privileged runs without a filter whatever this says; of two seccomp options ' +
        'of one service the last one counts',
    ],
  };
};
