/** The report's style sheet: light and dark, wide and narrow, screen and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --text: #1a1a18; --muted: #63625d; --line: #dddcd6;
  --total: #2a6fc4; --fill: #cfe0f5; --own: #c2500f; --good: #0a7a3d; --bad: #c22a2a;
  --warn: #8a5a00; --code: #efeee9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #141413; --card: #1e1e1c; --text: #f0efea; --muted: #a6a49c; --line: #3a3935;
    --total: #6aa9f0; --fill: #24405f; --own: #f0894e; --good: #4cc27e; --bad: #f37f7f;
    --warn: #e0b050; --code: #2a2a27;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
}
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 32px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 12px; max-width: 75ch; }
a { color: var(--total); }
code { background: var(--code); border-radius: 4px; padding: 1px 5px; font-size: 0.88em; overflow-wrap: anywhere; }
.muted { color: var(--muted); }
.small { font-size: 0.875rem; }
nav { margin: 12px 0 0; font-size: 0.9rem; }
nav a { margin-right: 14px; white-space: nowrap; display: inline-block; padding: 3px 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px; margin: 16px 0; }
.verdict { font-size: 1.08rem; }
.grade { font-weight: 700; }
.grade.excellent, .grade.good { color: var(--good); }
.grade.fair { color: var(--warn); }
.grade.poor { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; margin: 14px 0 18px; padding: 0; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 0; }
.tile dt { color: var(--muted); font-size: 0.82rem; }
.tile dd { margin: 0; font-size: 1.35rem; font-weight: 650; line-height: 1.3; }
.tile dd small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--muted); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 8px 36px; }
ol, ul { padding-left: 1.4em; margin: 8px 0 0; }
li { margin-bottom: 10px; overflow-wrap: anywhere; }
li ul { margin-top: 2px; } li li { margin-bottom: 2px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 18px 24px; margin-top: 14px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 0.85rem; margin-bottom: 4px; overflow-wrap: anywhere; }
figcaption b { display: block; }
svg.chart { display: block; width: 100%; height: auto; }
figure svg.chart { max-width: 420px; }
svg.narrow { display: none; }
.legend { font-size: 0.85rem; }
.legend span { display: inline-block; margin-right: 14px; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; vertical-align: -1px; margin-right: 5px; }
.swatch.values { background: var(--fill); border: 1px solid var(--total); }
.swatch.file { background: var(--own); }
.swatch.algorithms { background: var(--muted); }
.scroll { overflow-x: auto; margin: 12px 0 4px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; color: var(--muted); padding-bottom: 6px; }
th, td { padding: 5px 10px 5px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--muted); vertical-align: bottom; }
tbody th { color: var(--text); font-weight: 400; }
.left { text-align: left; }
tbody th.left { white-space: normal; overflow-wrap: anywhere; min-width: 150px; }
th small { display: block; font-weight: 400; color: var(--muted); }
.matrix { width: auto; }
.matrix td, .matrix th { text-align: center; padding: 5px 4px; min-width: 34px; }
.matrix .same { background: var(--fill); }
.matrix .other { color: var(--bad); font-weight: 700; }
.matrix .none { color: var(--muted); }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--total); font-weight: 600; padding: 6px 0; }
dl.facts { display: grid; grid-template-columns: minmax(110px, max-content) minmax(0, 1fr); gap: 4px 18px; margin: 8px 0 0; font-size: 0.9rem; }
dl.facts dt { color: var(--muted); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
footer { padding-bottom: 40px; }
:focus-visible { outline: 2px solid var(--total); outline-offset: 2px; }
@media (max-width: 640px) {
  body { font-size: 15px; }
  main, header, footer { padding-left: 12px; padding-right: 12px; }
  header { padding-top: 20px; }
  section { padding: 16px 14px; border-radius: 8px; }
  svg.wide { display: none; } svg.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; }
}
@media print {
  :root {
    --page: #fff; --card: #fff; --text: #000; --muted: #555; --line: #ccc; --total: #1f5fae;
    --fill: #d7e5f6; print-color-adjust: exact; -webkit-print-color-adjust: exact; --own: #b3480b; --good: #066b34; --bad: #a91f1f; --warn: #7a5000; --code: #f2f2f2;
  }
  body { font-size: 10.5pt; }
  main, header, footer { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 12px 0; margin: 8px 0; }
  nav, summary { display: none; }
  figure, tr, li, .tile { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .cards { grid-template-columns: repeat(3, 1fr); gap: 12px; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .columns { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  svg.wide { display: block; } svg.narrow { display: none; }
}
`;
