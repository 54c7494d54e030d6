/** Docker: a file for `--security-opt seccomp=FILE`. */
import { engineFile } from './engine-file';
import type { Emitter } from './types';

export const docker: Emitter = ([profile], options) => {
  const { text, notes } = engineFile(profile, 'docker', options);
  const name = `${profile.name}.json`;
  return {
    files: [{ name, data: text }],
    notes: [...notes, `docker run --security-opt seccomp=${name} …`],
  };
};
