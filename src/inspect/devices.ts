/** Nodes in /dev beyond those that every container has. */
import { permittedDevices } from './cgroups';
import { found, listed, said, untold } from './lines';
import type { DeviceNode, Line, ProcessFacts } from './types';

/** null, zero, full, random, urandom; tty, console, ptmx; terminals. */
const USUAL = new Set(['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2']);

function isUsual({ kind, major, minor }: DeviceNode): boolean {
  return kind === 'char' && (USUAL.has(`${major}:${minor}`) || (major >= 136 && major <= 143));
}

/** By devices.list of cgroup v1: "b 8:* rwm". */
function isPermitted({ kind, major, minor }: DeviceNode, list: readonly string[]): boolean {
  return list.some((line) => {
    const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(line);
    if (match === null) return false;
    const [, type, majors, minors, access = ''] = match;
    return (
      (type === 'a' || type === kind[0]) &&
      (majors === '*' || Number(majors) === major) &&
      (minors === '*' || Number(minors) === minor) &&
      /[rw]/.test(access)
    );
  });
}

export function deviceLines({ devices, cgroups }: ProcessFacts): Line[] {
  const name = 'device nodes';
  if ('unread' in devices) return [untold('devices', name, devices.unread)];
  const unusual = devices.list.filter((node) => !isUsual(node));
  if (unusual.length === 0) {
    const meaning = 'null, zero, full, random, urandom and terminals alone';
    return [said('devices', { name, value: 'the usual ones', meaning })];
  }
  const permitted = 'list' in cgroups ? permittedDevices(cgroups.list) : null;
  const open =
    permitted === null ? unusual : unusual.filter((node) => isPermitted(node, permitted));
  if (open.length === 0) {
    return [
      said('devices', {
        name,
        value: listed(unusual.map(({ path }) => path)),
        meaning: 'the nodes are there, and the cgroup lets none be opened',
      }),
    ];
  }
  const block = open.some(({ kind }) => kind === 'block');
  const unsure = permitted === null ? ', as far as its cgroup permits, which cannot be told' : '';
  return [
    found('devices', {
      name,
      value: listed(open.map(({ path }) => path)),
      meaning: `${
        block ? 'disks of the host can be read and written' : 'drivers of the host can be reached'
      }${unsure}`,
      rule: 'device',
      severity: block ? 'high' : 'medium',
      remedy: 'Start it without --privileged and --device for what it does not need',
      key: open.map(({ path }) => path).sort(),
    }),
  ];
}
