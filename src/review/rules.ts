/** What each rule is about, a sentence each: for lists of rules in reports. */

export const RULES: Readonly<Record<string, string>> = {
  'architecture-not-judged': 'An architecture is listed whose calls sysieve has no table of.',
  'archmap-ignored': 'The target does not read archMap, so that no architecture is listed.',
  'compares-unread-bits':
    'A condition compares bits that the kernel does not read, and refuses callers that set them.',
  'conditions-over-six': 'crun reads only the first six conditions of a rule.',
  'conditions-refuse-nothing': 'The conditions on a call together refuse nothing.',
  'default-allows': 'Calls that no rule names pass.',
  'equivalent-open': 'A call is refused while another that does the same passes.',
  'errno-name-ignored': 'The target reads no errno by name.',
  'errno-on-other-action': 'An errno is given for an action that takes none.',
  'fallback-errno':
    'A call that libc tries first is refused with another answer than ENOSYS, so that programs fail.',
  'gate-ignored': 'The target does not read the gate of a rule, which then holds always.',
  'io-uring-bypass': 'io_uring passes and does unseen what the filter refuses.',
  'ipc-open': 'The i386 call ipc passes, for which no rule about the calls it carries holds.',
  'justification-missing':
    'A call of risk tier 1 or 2 passes, and the evidence has no justification for it.',
  'mask-misses': 'The mask of a condition leaves every bit free that decides what the call may do.',
  'name-duplicate': 'A name stands twice in one rule.',
  'name-elsewhere': 'Names of calls that no listed architecture has.',
  'name-newer': 'The libseccomp at hand does not know a name, and skips it.',
  'name-unknown': 'A name is no call that is known.',
  'namespaces-open': 'A call makes namespaces other than user namespaces.',
  'no-architectures': 'No architecture is listed.',
  'notify-refused': 'runc refuses SCMP_ACT_NOTIFY as the default and for write.',
  'permits-nearly-all': 'A call passes with every value of an argument but one.',
  'personality-open': 'personality passes with flags that weaken the protection of memory.',
  'repeated-index':
    'Two conditions of one rule are on one argument: runtimes take each as a rule of its own.',
  'risky-call': 'A call of a risk tier passes.',
  'rule-duplicate': 'Another rule answers the call the same.',
  'rule-equals-default': 'Runtimes skip a rule whose answer is that of the default.',
  'rule-shadowed': 'A rule has no effect, since another for the call overrides it.',
  'rule-skipped':
    'Runtimes skip a rule whose answer is that of the default, and other rules decide otherwise.',
  'rule-without-effect': 'A rule changes nothing beside the other rules for its call.',
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
};
