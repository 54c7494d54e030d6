/** What each rule finds, one sentence; output shows it beside the rule's id. */

const RULES: Readonly<Record<string, string>> = {
  'call-widened': 'A call passes that was refused, or passes with more arguments than before.',
  'call-narrowed': 'A call is refused that passed, or passes with fewer arguments than before.',
  'denial-changed': 'A call is refused before and after, in another way.',
  'handling-changed':
    'A call passes before and after, and is handled in another way, such as logged.',
  'default-widened': 'The default action lets calls pass that it refused.',
  'default-narrowed': 'The default action refuses calls that it let pass.',
  'default-changed': 'The default action is another one, and the same calls pass by it.',
  'architecture-added': 'Calls of another architecture are filtered by the rules of the profile.',
  'architecture-removed': 'Calls of an architecture are no longer filtered by rules of their own.',
  'numbers-widened': 'Calls that have no name pass that were refused.',
  'numbers-narrowed': 'Calls that have no name are refused that passed.',
  'enosys-boundary':
    'Calls above the largest one named, which runc answers with ENOSYS, are others.',
  'numbers-changed': 'Calls that have no name are answered in another way, and as many may pass.',
  'flags-changed': 'The filter is installed with other flags.',
  'listener-changed': 'Another listener is asked about calls, or none where there was one.',
  'rule-without-effect': 'A rule says what would hold without it.',
  'rule-shadowed': 'A rule never answers, since others answer first.',
  'rule-duplicate': 'A rule says the same as another one.',
  'name-unknown': 'A rule names a call that no known architecture has.',
  unfiltered: 'One side has no filter at all: every call passes.',
  'fallback-errno': 'A call that libc does without only after ENOSYS is refused in another way.',

  // Of lint alone.
  'architecture-not-judged': 'An architecture is listed whose calls sysieve has no table of.',
  'archmap-ignored': 'The target does not read archMap, so that no architecture is listed.',
  'capability-opens': 'Risky calls pass in containers that have a capability.',
  'compares-unread-bits':
    'A condition compares bits that the kernel does not read, and refuses callers that set them.',
  'conditions-over-six': 'crun reads only the first six conditions of a rule.',
  'conditions-refuse-nothing': 'The conditions on a call together refuse nothing.',
  'default-allows': 'Calls that no rule names pass.',
  'equivalent-open': 'A call is refused while another that does the same passes.',
  'errno-name-ignored': 'The target reads no errno by name.',
  'errno-on-other-action': 'An errno is given for an action that takes none.',
  'executable-memory-open':
    'Memory both writable and executable is refused to one call, and another one gets it.',
  'gate-ignored': 'The target does not read the gate of a rule, which then holds always.',
  'io-uring-bypass': 'io_uring passes and does unseen what the filter refuses.',
  'ipc-open': 'The i386 call ipc passes, for which no rule about the calls it carries holds.',
  'justification-missing':
    'A call of risk tier 1 or 2 passes, and the evidence has no justification for it.',
  'mask-misses': 'The mask of a condition leaves every bit free that decides what the call may do.',
  'name-duplicate': 'A name stands twice in one rule.',
  'name-elsewhere': 'Names of calls that no listed architecture has.',
  'name-newer': 'The libseccomp at hand does not know a name, and skips it.',
  'namespaces-open': 'A call makes namespaces other than user namespaces.',
  'no-architectures': 'No architecture is listed.',
  'notify-refused': 'runc refuses SCMP_ACT_NOTIFY as the default and for write.',
  'permits-nearly-all': 'A call passes with every value of an argument but one.',
  'personality-open': 'personality passes with flags that weaken the protection of memory.',
  'reachable-unseen':
    'The files of the program can make a call that no run made and the profile refuses.',
  'repeated-index':
    'Two conditions of one rule are on one argument: runtimes take each as a rule of its own.',
  'risky-call': 'A call of a risk tier passes.',
  'rule-equals-default': 'Runtimes skip a rule whose answer is that of the default.',
  'rule-skipped':
    'Runtimes skip a rule whose answer is that of the default, and other rules decide otherwise.',
  'rules-undecided': 'What the rules mean cannot be decided, since libseccomp may mix them up.',
  'runtime-refuses': 'A runtime refuses the profile.',
  'socket-domains': 'Sockets pass of domains that most programs do not need.',
  'socketcall-open':
    'The i386 call socketcall passes, for which no rule about the calls it carries holds.',
  'spo-default-errno': 'A SeccompProfile resource has no defaultErrnoRet.',
  'spo-value': 'A SeccompProfile resource takes no value above 2^63 - 1.',
  'truncation-bypass': 'A refused argument passes with bits set that the kernel does not read.',
  'user-namespace-open': 'A call makes user namespaces.',
  'value-beyond-argument': 'A value has bits that the kernel does not read of the argument.',
  'x32-listed': 'The x32 ABI is listed.',

  // Of check alone.
  'check-filter-differs': 'The filter that libseccomp makes of the profile is not what it says.',
  'check-missing-call': 'An app makes a call that its profile refuses.',
  'check-no-profile': 'An app has no profile.',
  'check-not-done': 'An app could not be checked.',
  'check-unused-call': 'A profile permits a call that its app was not seen to need.',
  'check-unused-limit':
    'A profile permits more calls that its app was not seen to need than are accepted.',
  'check-unused-rule':
    'A profile permits more than single calls that its app was not seen to need.',

  // Of inspect alone.
  'inspect-all-devices': 'The cgroup of a container permits every device.',
  'inspect-apparmor-complain': 'The AppArmor profile of a container logs and refuses nothing.',
  'inspect-apparmor-unconfined': 'No AppArmor profile confines a container, and there is AppArmor.',
  'inspect-cgroup-writable': 'A container may write to its cgroup file system.',
  'inspect-device': 'A container has device nodes beyond the usual ones.',
  'inspect-engine-socket': 'The socket of a container engine is mounted in a container.',
  'inspect-filter-permits-all': 'A container has a seccomp filter that refuses nothing.',
  'inspect-host-namespace': 'A container shares a namespace with the host.',
  'inspect-host-path': 'A path of the host is mounted in a container.',
  'inspect-host-root': 'The root of a container is that of the host.',
  'inspect-inheritable-capabilities': 'A container has inheritable or ambient capabilities.',
  'inspect-mount-propagation': 'What a container mounts is mounted on the host.',
  'inspect-new-privileges': 'A container may gain privileges by execve.',
  'inspect-no-access-control': 'A container runs where there is neither SELinux nor AppArmor.',
  'inspect-no-container': 'A process of the host is not isolated at all.',
  'inspect-no-limit': 'A resource of a container has no limit.',
  'inspect-no-seccomp': 'A container runs without a seccomp filter.',
  'inspect-other-than-profile': 'The filter of a container is not what its profile says.',
  'inspect-privileged': 'A container is privileged.',
  'inspect-proc-unmasked': 'Paths of /proc or /sys are open to a container that are usually not.',
  'inspect-risky-capability': 'A container has capabilities that help out of it.',
  'inspect-root': 'A container runs as root of the host.',
  'inspect-root-group': 'A container that is not root is in the group of root.',
  'inspect-root-mapped': 'A user namespace maps an id to root of the host.',
  'inspect-root-writable': 'The root file system of a container is writable.',
  'inspect-selinux-no-category': 'A container has no SELinux category of its own.',
  'inspect-selinux-permissive': 'SELinux logs and refuses nothing.',
  'inspect-selinux-unconfined': 'SELinux does not confine a container.',
  'inspect-shared-namespace': 'Containers share a namespace.',
  'inspect-threads-apart': 'Threads of a process have other filters than its main thread.',
  'inspect-wider-than-profile': 'The filter of a container permits more than its profile.',
};

/** null: no such rule. */
export function ruleText(id: string): string | null {
  return Object.hasOwn(RULES, id) ? (RULES[id] as string) : null;
}
