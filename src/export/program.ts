/** The compiled filter: raw, as a C header, and as libseccomp's pseudo filter code. */
import { SysieveError } from '../errors';
import { escapeUnsafe } from '../errors/text';
import { checkRuntimes } from './plain';
import type { Emitter, ExportOptions, NamedProfile } from './types';

const INSTRUCTION_BYTES = 8;

function compiled(named: NamedProfile, { compiler }: ExportOptions) {
  if (compiler === undefined) {
    throw new SysieveError('defect', 'export-without-compiler', 'the format needs a compiler');
  }
  if (named.profile.syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')) {
    throw new SysieveError(
      'input',
      'export-unsayable',
      `${named.source}: SCMP_ACT_NOTIFY needs a listener, which who loads a program does not keep`,
      { remedy: 'Give those calls another action.' },
    );
  }
  // As runc compiles it, and where libseccomp makes of it what it says.
  checkRuntimes(named, { runtime: 'runc' });
  const made = compiler(named.profile);
  const notes =
    made.skipped.length === 0
      ? []
      : [`libseccomp does not know, and has no rule for: ${made.skipped.join(', ')}`];
  if (made.flags.length > 0) {
    notes.push(`a program has no flags: who loads it gives ${made.flags.join(', ')}`);
  }
  return { ...made, notes };
}

/** struct sock_filter[], as bwrap --seccomp, crosvm and minijail0 --seccomp-bpf-binary read it. */
export const bpf: Emitter = ([named], options) => {
  const { program, notes } = compiled(named, options);
  return {
    files: [{ name: `${named.name}.bpf`, data: program }],
    notes: [
      ...notes,
      `${program.length / INSTRUCTION_BYTES} instructions for this machine's byte order; for example ` +
        `bwrap … --seccomp 9 9<${named.name}.bpf, where execve must be permitted`,
    ],
  };
};

export const pfc: Emitter = ([named], options) => {
  const { pseudoCode, stub, notes } = compiled(named, options);
  const head =
    stub === 0
      ? []
      : [
          '#',
          `# Not shown: ${stub} instructions in front, by which runc answers ENOSYS to calls with a`,
          '# number above the largest one that the profile names.',
        ];
  const lines = pseudoCode
    .trimEnd()
    .split('\n')
    .map((line) => escapeUnsafe(line));
  return {
    files: [{ name: `${named.name}.pfc`, data: [...head, ...lines, ''].join('\n') }],
    notes,
  };
};

export const c: Emitter = ([named], options) => {
  const { program, notes } = compiled(named, options);
  const bytes = Buffer.from(program);
  const identifier = named.name.replace(/[^a-z0-9]/gi, '_').replace(/^(?=\d)/, '_');
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += INSTRUCTION_BYTES) {
    const code = `0x${bytes.readUInt16LE(at).toString(16).padStart(2, '0')}`;
    const k = `0x${bytes
      .readUInt32LE(at + 4)
      .toString(16)
      .padStart(8, '0')}`;
    rows.push(`\t{ ${code}, ${bytes[at + 2]}, ${bytes[at + 3]}, ${k} },`);
  }
  const guard = `SYSIEVE_${identifier.toUpperCase()}_H`;
  const text = `/*
 * The calls that ${named.name} may make: a seccomp filter, written by sysieve.
 *
 * Load it in a process with one thread, as the last thing before execve, which it must permit:
 *
 *	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
 *		return -1;
 *	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &sysieve_${identifier}) != 0)
 *		return -1;
 *
 * <sys/prctl.h>, <linux/seccomp.h>. PR_SET_NO_NEW_PRIVS is not needed with CAP_SYS_ADMIN.
 */
#ifndef ${guard}
#define ${guard}

#include <linux/filter.h>

static struct sock_filter sysieve_${identifier}_filter[] = {
${rows.join('\n')}
};

static struct sock_fprog sysieve_${identifier} = {
	.len = sizeof(sysieve_${identifier}_filter) / sizeof(sysieve_${identifier}_filter[0]),
	.filter = sysieve_${identifier}_filter,
};

#endif
`;
  return { files: [{ name: `${named.name}.h`, data: text }], notes };
};
