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
  'flags-changed': 'The filter is installed with other flags.',
  'listener-changed': 'Another listener is asked about calls, or none where there was one.',
  'rule-without-effect': 'A rule says what would hold without it.',
  'rule-shadowed': 'A rule never answers, since others answer first.',
  'rule-duplicate': 'A rule says the same as another one.',
  'name-unknown': 'A rule names a call that no known architecture has.',
  unfiltered: 'One side has no filter at all: every call passes.',
  'fallback-errno': 'A call that libc does without only after ENOSYS is refused in another way.',
};

/** null: no such rule. */
export function ruleText(id: string): string | null {
  return Object.hasOwn(RULES, id) ? (RULES[id] as string) : null;
}
