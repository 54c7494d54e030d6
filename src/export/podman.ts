/**
 * Podman: a Quadlet unit with SeccompProfile= (podman-systemd.unit(5), Podman 4.4), or a drop-in for
 * one that is there (Podman 5.0), and the profile.
 */
import { engineFile } from './engine-file';
import { rootOf } from './kubelet';
import { checkImage, checkLabel } from './names';
import type { Emitter } from './types';

const ROOT = '/etc/containers/seccomp';

export const podman: Emitter = ([profile], options) => {
  const { text, notes } = engineFile(profile, 'podman', options);
  const unit = checkLabel(
    'name for a unit',
    options.objectName ?? profile.name,
    'Of lower-case letters, digits and -, at most 63.',
  );
  const path = `${rootOf(options, ROOT)}/${profile.name}.json`;
  const whole = options.image !== undefined;
  const lines = [
    '[Container]',
    ...(options.image === undefined ? [] : [`Image=${checkImage(options.image)}`]),
    `SeccompProfile=${path}`,
  ];
  const name = whole ? `${unit}.container` : `${unit}.container.d/10-seccomp.conf`;
  return {
    files: [
      { name, data: `${lines.join('\n')}\n` },
      { name: `${profile.name}.json`, data: text },
    ],
    notes: [
      ...notes,
      `${profile.name}.json belongs at ${path}, ${name} below /etc/containers/systemd (or a user's ` +
        '~/.config/containers/systemd); then: systemctl daemon-reload',
      whole
        ? 'Quadlet is part of Podman 4.4 and later'
        : 'drop-ins are read by Podman 5.0 and later',
      `by hand: podman run --security-opt seccomp=${path} …`,
    ],
  };
};
