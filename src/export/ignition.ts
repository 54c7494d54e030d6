/** An Ignition configuration, for machines at their first boot. */
import { stringify } from 'lossless-json';
import { ignitionConfig, placedProfiles } from './ignition-files';
import type { Emitter } from './types';

export const ignition: Emitter = (profiles, options) => {
  const { placed, notes } = placedProfiles(profiles, options);
  const names = profiles.map(({ name }) => name).join('-');
  return {
    files: [
      { name: `${names}.ign`, data: `${stringify(ignitionConfig(placed, options), null, 2)}\n` },
    ],
    notes: [
      ...notes,
      'it is read at the first boot only; a machine takes one configuration, so merge it into that ' +
        '(ignition.config.merge)',
    ],
  };
};
