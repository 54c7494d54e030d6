/** One page that needs nothing else, and a policy that lets nothing else in. */
import { createHash } from 'node:crypto';
import type { Model } from '../types';
import { Html, html } from './html';
import { SCRIPT } from './script';
import { sections } from './sections';
import { STYLE } from './style';
import { subtitle, summary } from './summary';
import { sectionHtml } from './tables';
import { cut, shortNames } from './words';

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const POLICY = [
  "default-src 'none'",
  `style-src ${hash(STYLE)}`,
  `script-src ${hash(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const NAV: Readonly<Record<string, string>> = {
  changes: 'Changes',
  discovery: 'Discovery',
  calls: 'Calls',
  executables: 'Executables',
  phases: 'Phases',
  arguments: 'Arguments',
  denied: 'Denied',
  decided: 'Decided',
  risks: 'Risk',
  completeness: 'Completeness',
  notes: 'Notes',
};

const LONG_TITLE = 200;

/** The same model gives the same bytes. */
export function page(model: Model): string {
  const short = shortNames(model.executables.map(({ path }) => path));
  const parts = sections(model, { short });
  const { tool } = model;
  const title = cut(model.title, LONG_TITLE);
  const made = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}: ${tool.name} report</title>
<style>${Html.constant(STYLE)}</style>
</head>
<body>
<a class="skip" href="#summary">To the summary</a>
<header class="wide"><p class="eyebrow">${tool.name} report</p>
<h1>${title}</h1>
${subtitle(model)}</header>
<div class="tools"><div class="wide"><nav aria-label="Sections"><ul>${parts.map(({ id }) => html`<li><a href="#${id}">${NAV[id] ?? id}</a></li>`)}</ul></nav></div></div>
<main class="wide" id="summary" tabindex="-1"><h2 class="hidden">Summary</h2>
${summary(model)}
${parts.map(sectionHtml)}</main>
<footer class="wide">Made by ${tool.name} ${tool.version}.</footer>
<script>${Html.constant(SCRIPT)}</script>
</body>
</html>
`;
  return made.toString();
}
