/** Which of our files somebody gave in place of another. */

/** By the fields that no other has. */
const FIELDS: readonly (readonly [kind: string, ...fields: string[]])[] = [
  ['recording', 'runs'],
  ['evidence', 'calls', 'justifications'],
  ['profile', 'defaultAction'],
  ['config', 'apps'],
  ['baseline', 'runtime', 'conditions'],
  ['waivers', 'waivers'],
  ['reach', 'executables'],
];

const MADE: Readonly<Record<string, string>> = {
  recording: "a recording, as 'sysieve record' writes it",
  profile: "a profile, as 'sysieve minimise' makes it of recordings",
  evidence: "evidence, as 'sysieve minimise' writes it beside a profile",
  config: "a config, as 'sysieve init' writes it",
  reach: "what 'sysieve reach -o' wrote",
  baseline: 'a baseline, as those in profiles/baselines',
};

/** What to give for `wanted` where the value is another of our files; null: it looks like none. */
export function mistakenFor(wanted: string, value: unknown): string | null {
  const instead = MADE[wanted];
  if (instead === undefined || typeof value !== 'object' || value === null) return null;
  const kind = FIELDS.find(([, ...fields]) => fields.every((field) => Object.hasOwn(value, field)));
  if (kind === undefined || kind[0] === wanted) return null;
  const article = ['evidence', 'waivers', 'reach'].includes(kind[0]) ? '' : 'a ';
  return `This looks like ${article}${kind[0]}: give ${instead}.`;
}
