/** How the page looks: on screens of every width, light and dark, and on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --soft: #57606a; --page: #ffffff; --box: #f6f8fa; --line: #d4dae0; --strong: #8b949e;
  --accent: #0b5cad; --good: #12632b; --warn: #7a4b00; --bad: #a40e26;
  --bar: #0b5cad; --bar-soft: #a9b4bf; --mark: #e6effa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ec; --soft: #a3adb7; --page: #12161a; --box: #1a2026; --line: #38414a; --strong: #6d7883;
    --accent: #7db7f5; --good: #70d68b; --warn: #f0b94e; --bad: #ff9492;
    --bar: #5ea4ec; --bar-soft: #5a6570; --mark: #1d2c3d;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 2rem; }
body { margin: 0; font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--text); background: var(--page); overflow-wrap: break-word; }
h1, p, li, code, .mono, .path, .tile { overflow-wrap: anywhere; }
.wide { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header.wide { padding-top: 2rem; }
.eyebrow { margin: 0; color: var(--soft); font-size: 0.8125rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.15rem 0 0.5rem; font-weight: 650; }
section { padding-top: 2.5rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 0.4rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.4rem; font-weight: 650; }
p { margin: 0.4rem 0; max-width: 46rem; }
ul { margin: 0.4rem 0; padding-left: 1.15rem; }
li { margin: 0.1rem 0; }
code, .mono { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.soft { color: var(--soft); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.good, .warn, .bad { font-weight: 600; }
td .good { font-weight: 400; }
.skip { position: absolute; left: 0.5rem; top: -4rem; padding: 0.5rem 0.75rem; background: var(--page); border: 1px solid var(--accent); border-radius: 4px; z-index: 3; }
.skip:focus { top: 0.5rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.tools { position: sticky; top: 0; z-index: 2; background: var(--page); border-bottom: 1px solid var(--line); margin-top: 1.25rem; }
.tools .wide { display: flex; flex-wrap: wrap; gap: 0.35rem 1.25rem; align-items: center; padding-top: 0.55rem; padding-bottom: 0.55rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.15rem 0.85rem; padding: 0; margin: 0; font-size: 0.8125rem; }
nav a { text-decoration: none; padding: 0.1rem 0; display: inline-block; }
nav { margin-left: auto; }
nav a:hover { text-decoration: underline; }
.filter { display: flex; align-items: center; gap: 0.5rem; font-size: 0.875rem; }
.filter input { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--strong); border-radius: 5px; padding: 0.3rem 0.55rem; width: 13.5rem; max-width: 100%; }
.filter output { color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums; }

.tiles + p { margin-top: 0.9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0.75rem; margin: 1.25rem 0 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 0.85rem 1rem 0.9rem; background: var(--box); min-width: 0; }
.tile h3 { margin: 0; font-size: 0.8125rem; font-weight: 600; color: var(--soft); }
.tile .figure { margin: 0.1rem 0 0.25rem; font-size: 1.75rem; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile .figure small { font-size: 0.9375rem; font-weight: 400; color: var(--soft); }
.tile .text { margin: 0.1rem 0 0.25rem; font-size: 1.0625rem; line-height: 1.35; font-weight: 600; }
.tile p { margin: 0.25rem 0 0; font-size: 0.875rem; }
.compare { display: grid; grid-template-columns: fit-content(10rem) minmax(3rem, 1fr) max-content; gap: 0.1rem 0.6rem; align-items: center; margin: 0.5rem 0 0.35rem; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.compare svg { display: block; width: 100%; height: 0.55rem; }
.compare .num { text-align: right; }
.tile table { margin: 0.35rem 0 0; } .tile th, .tile td { padding-top: 0.22rem; padding-bottom: 0.22rem; }
.tile thead th { white-space: normal; } .tile tbody th { white-space: nowrap; } .tile tr:last-child th, .tile tr:last-child td { border-bottom: 0; }
.tile tbody tr:hover { background: none; }

figure { margin: 0.75rem 0 0.5rem; }
figcaption { font-size: 0.875rem; color: var(--soft); margin-bottom: 0.25rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1.5rem; }
.charts svg { width: 100%; max-width: 40rem; height: auto; display: block; }
svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums; }
.axis { stroke: var(--strong); } .grid { stroke: var(--line); } .run { stroke: var(--line); stroke-dasharray: 3 3; }
.curve { fill: none; stroke: var(--bar); stroke-width: 2; stroke-linejoin: round; }
.area { fill: var(--bar); opacity: 0.12; } .bar { fill: var(--bar); } .rest { fill: var(--bar-soft); } .ground { fill: var(--line); }

.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 0.75rem; font-size: 0.875rem; }
caption { text-align: left; color: var(--soft); padding: 0 0 0.35rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; border-bottom-color: var(--strong); }
tbody th { font-weight: 600; }
tbody tr:hover { background: var(--mark); }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.num + td:not(.num), .num + th:not(.num) { padding-left: 0.75rem; }
.fit table { width: auto; } .fit th, .fit td { padding-right: 2.5rem; }
.name { white-space: nowrap; }
.path { min-width: 12rem; }
.about { display: block; color: var(--soft); font: 0.8125rem/1.4 system-ui, -apple-system, "Segoe UI", sans-serif; white-space: normal; min-width: 15rem; font-weight: 400; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
th button:hover { color: var(--text); text-decoration: underline; }
th button::after, th.num button::before { content: "\\2195"; display: inline-block; width: 1em; margin: 0 0.15em; opacity: 0.55; }
th.num button::after { content: none; }
th[aria-sort="ascending"] button::after, th.num[aria-sort="ascending"] button::before { content: "\\2191"; opacity: 1; }
th[aria-sort="descending"] button::after, th.num[aria-sort="descending"] button::before { content: "\\2193"; opacity: 1; }
th.num[aria-sort] button::after { content: none; }
tr.out { display: none; }
.values { margin: 0.15rem 0; }
details > summary { cursor: pointer; color: var(--accent); }
td details > summary { white-space: nowrap; }
.note { border-left: 3px solid var(--warn); padding: 0.1rem 0 0.1rem 0.85rem; margin: 0.9rem 0; }
footer.wide { margin-top: 3rem; padding-bottom: 2.5rem; color: var(--soft); font-size: 0.8125rem; }

@media (max-width: 46rem) {
  .wide { padding: 0 1rem; }
  header.wide { padding-top: 1.25rem; }
  h1 { font-size: 1.4rem; } section { padding-top: 2rem; }
  .filter { width: 100%; } .filter input { flex: 1; width: auto; min-width: 0; }
  .charts svg text { font-size: 19px; }
  nav { margin-left: 0; width: 100%; overflow-x: auto; } nav ul { flex-wrap: nowrap; white-space: nowrap; }
  html { scroll-padding-top: 5rem; }
}
@media print {
  :root { color-scheme: light; --text: #000; --soft: #333; --page: #fff; --box: #fff; --line: #bbb; --strong: #555; --accent: #000; --good: #000; --warn: #000; --bad: #000; --bar: #333; --bar-soft: #aaa; --mark: #fff; }
  body { font-size: 9.5pt; }
  .wide { max-width: none; padding: 0; }
  .tools, .skip { display: none; }
  .scroll { overflow: visible; }
  tr.out { display: table-row; }
  tr, figure, .tile { break-inside: avoid; }
  h2, h3, figcaption, caption { break-after: avoid; }
  thead { display: table-header-group; }
  th button::after, th.num button::before { content: none; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  table, .tile p, figcaption { font-size: 8.5pt; } th, td { padding-top: 0.2rem; padding-bottom: 0.2rem; }
  .about, .path { min-width: 0; } .name, thead th, td details > summary { white-space: normal; } th, td { padding-right: 0.4rem; }
  details::details-content { content-visibility: visible; block-size: auto; }
  a { text-decoration: none; }
}
`;
