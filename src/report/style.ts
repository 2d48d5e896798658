// The report's whole appearance. One column, system fonts, colours that are told apart by every eye (Okabe–Ito, lifted
// for dark screens).
const colours = `:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1a1d23; --soft: #667085; --rule: #e4e7ec; --well: #f1f3f6;
  --accent: #0b63ce; --best: #e7f4ec; --best-ink: #0a6b3d; --warn: #fff6e0; --warn-rule: #e5b64a;
  --series-0: #0072b2; --series-1: #d55e00; --series-2: #009e73; --series-3: #b65a93; --series-4: #b57f00; --series-5: #4c9bd6; }
@media (prefers-color-scheme: dark) { :root { --page: #101318; --card: #181c23; --ink: #e6e9ef; --soft: #98a2b3; --rule: #2a303a; --well: #20252e;
  --accent: #6cb0ff; --best: #14301f; --best-ink: #7fd8a4; --warn: #2f2713; --warn-rule: #8a6a1d;
  --series-0: #56b4e9; --series-1: #f0883e; --series-2: #2fc79b; --series-3: #dd8fbc; --series-4: #e6b93e; --series-5: #9cc9ee; } }`;

const chartStyle = `.chart { width: 100%; height: auto; display: block; font-size: 11px; }
.chart text { fill: var(--soft); font-variant-numeric: tabular-nums; }
.chart .grid { stroke: var(--rule); } .chart .axis { stroke: var(--soft); opacity: .6; }
.chart .line { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.chart .faint { stroke-width: 1; opacity: .28; } .chart .dashed { stroke-dasharray: 5 4; }
.chart .dot, .chart .key { fill: var(--c); } .chart text.end { fill: var(--c); font-weight: 600; }
.s0 { --c: var(--series-0); } .s1 { --c: var(--series-1); } .s2 { --c: var(--series-2); } .s3 { --c: var(--series-3); } .s4 { --c: var(--series-4); } .s5 { --c: var(--series-5); }`;

/** What a drawing needs outside the report, in a file of its own. */
export const drawingStyle = `${colours}
${chartStyle}
`;

export const style = `
${colours}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5; font-size: 15px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0 0 2px; }
p { margin: 0 0 10px; }
a { color: var(--accent); }
.soft { color: var(--soft); }
.lead { color: var(--soft); margin: 4px 0 20px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 18px 20px; margin: 0 0 16px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 16px; }
.fact { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; min-width: 0; }
.fact dt { color: var(--soft); font-size: 12.5px; }
.fact dd { margin: 0; font-size: 20px; font-weight: 600; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", "Noto Sans Mono CJK SC", monospace; font-size: 13px; }
pre { margin: 0; background: var(--well); border-radius: 8px; padding: 12px 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 12px; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; font-size: 13px; color: var(--soft); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.left { text-align: left; padding-left: 24px; }
td.name { font-weight: 600; white-space: nowrap; }
tr.part td.name { font-weight: 400; padding-left: 18px; }
td.best { color: var(--best-ink); font-weight: 650; }
td.best span { background: var(--best); border-radius: 6px; padding: 2px 8px; margin-right: -8px; }
td small { color: var(--soft); font-weight: 400; font-size: 12px; white-space: nowrap; }
td.better, td.better small { color: var(--best-ink); } td.worse, td.worse small { color: var(--series-1); } td.noise { color: var(--soft); }
td.words { color: var(--soft); font-size: 13px; text-align: left; min-width: 260px; max-width: 380px; }
table.answers { table-layout: fixed; min-width: 560px; }
.answers th, .answers td { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(6, 1fr); gap: 14px 22px; margin-top: 14px; }
figure { margin: 0; grid-column: span 2; min-width: 0; }
figure.wide { grid-column: span 4; grid-row: span 2; }
figure.half { grid-column: span 3; }
figcaption { font-size: 13px; color: var(--soft); margin-bottom: 2px; }
@media (max-width: 760px) { figure, figure.wide, figure.half { grid-column: span 6; } }
.chips { display: flex; flex-wrap: wrap; gap: 6px 18px; color: var(--soft); font-size: 13.5px; }
.chips b { color: var(--ink); font-weight: 600; }
${chartStyle}
.sample { display: grid; grid-template-columns: minmax(120px, 1fr) 2fr; gap: 4px 16px; padding: 9px 0; border-bottom: 1px solid var(--rule); }
.sample:last-child { border-bottom: 0; }
.sample > * { white-space: pre-wrap; overflow-wrap: anywhere; }
.sample .prompt { color: var(--soft); }
details > summary { cursor: pointer; color: var(--soft); font-size: 13.5px; margin-top: 8px; }
details[open] > summary { margin-bottom: 8px; }
.lineage { display: flex; flex-wrap: wrap; align-items: stretch; gap: 10px; }
.lineage .card { margin: 0; padding: 12px 16px; flex: 1 1 220px; }
.lineage .arrow { align-self: center; color: var(--soft); font-size: 20px; }
.notes { list-style: none; margin: 0; padding: 0; }
.notes li { padding: 5px 0; overflow-wrap: anywhere; }
.notes .warning { background: var(--warn); border-left: 3px solid var(--warn-rule); padding: 6px 12px; margin: 4px 0; border-radius: 0 6px 6px 0; }
.tag { display: inline-block; min-width: 92px; color: var(--soft); font-size: 13px; }
.examples { margin: 4px 0 10px; padding-left: 18px; font-size: 13.5px; overflow-wrap: anywhere; }
.examples li { padding: 2px 0; }
@media (max-width: 640px) {
  main { padding: 24px 14px 48px; }
  .card { padding: 14px; }
  td.name { white-space: normal; overflow-wrap: anywhere; }
  table.answers { min-width: 0; }
  .results tr, .answers tr { display: flex; flex-wrap: wrap; padding: 7px 0; border-bottom: 1px solid var(--rule); }
  .results tr > *, .answers tr > * { flex: 1 1 0; min-width: 0; max-width: none; border: 0; padding: 1px 8px 1px 0; text-align: left; }
  .results tr > :first-child, .answers tr > :first-child, .results td.words { flex-basis: 100%; padding-left: 0; }
  .results small { display: block; } .results th { white-space: normal; } .results th:empty { display: none; }
  .results td.best span { margin: 0 0 0 -8px; }
  .results tbody tr:last-child, .answers tbody tr:last-child { border-bottom: 0; }
  .sample { grid-template-columns: 1fr; }
  .wide .chart { font-size: 18px; overflow: visible; } .half .chart { font-size: 15px; overflow: visible; }
}
footer { color: var(--soft); font-size: 13px; margin-top: 40px; }
`;
