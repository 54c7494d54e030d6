/** The style of the HTML page, for screens of every width, light and dark, and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1c2024;
  --soft: #5a636b;
  --page: #ffffff;
  --box: #f4f6f8;
  --line: #c9d0d6;
  --high: #a40e26;
  --medium: #7d4e00;
  --good: #116329;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ec;
    --soft: #a4adb5;
    --page: #14181c;
    --box: #1f252b;
    --line: #414a52;
    --high: #ff8f8f;
    --medium: #f2b84b;
    --good: #6fd68a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  padding: 1.5rem 1rem 3rem;
  max-width: 72rem;
  font: 1rem/1.5 system-ui, sans-serif;
  color: var(--text);
  background: var(--page);
  overflow-wrap: anywhere;
}
h1 { font-size: 1rem; font-weight: 600; color: var(--soft); margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p, ul { margin: 0.5rem 0; }
ul { padding-left: 1.25rem; }
code { font: 0.9em ui-monospace, monospace; }
.verdict { font-size: 1.35rem; line-height: 1.35; margin: 0 0 0.5rem; }
.headline {
  border: 2px solid var(--high);
  border-radius: 0.4rem;
  padding: 0.6rem 0.9rem;
  margin: 0 0 1rem;
  font-weight: 600;
}
.widens, .mixed, .high { color: var(--high); font-weight: 700; }
.narrows, .medium { color: var(--medium); font-weight: 700; }
.identical, .equivalent { color: var(--good); font-weight: 700; }
.soft { color: var(--soft); }
table { width: 100%; border-collapse: collapse; margin: 0.5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0.6rem; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 600; }
td p, td ul { margin: 0.2rem 0 0; }
.where { width: 24%; }
thead th, td.verdicts { white-space: nowrap; }
.kind, .severity { width: 9rem; white-space: nowrap; }
details { border: 1px solid var(--line); border-radius: 0.4rem; background: var(--box); margin: 1rem 0; padding: 0 0.9rem; }
summary { padding: 0.6rem 0; cursor: pointer; font-weight: 600; }
footer { margin-top: 3rem; color: var(--soft); font-size: 0.9rem; }
@media (max-width: 48rem) {
  table.findings, .findings tbody, .findings tr, .findings th, .findings td { display: block; width: auto; }
  .findings thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .findings tr { border-bottom: 1px solid var(--line); padding: 0.6rem 0; }
  .findings th, .findings td { border: 0; padding: 0.1rem 0; }
  .findings .severity, .findings .kind { display: inline-block; margin-right: 0.75rem; }
}
@media print {
  :root { --text: #000; --soft: #333; --page: #fff; --box: #fff; --line: #999; --high: #000; --medium: #000; --good: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  tr, .headline { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
