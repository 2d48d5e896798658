// The frame of a report: one HTML file that needs nothing else, no network and no scripts, so that it can be mailed.
import { escapeHtml } from './escape.js';
import { style } from './style.js';

/** A whole page. `body` is HTML, `title` is text. */
export function pageHtml(title: string, body: string, footer: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)} · mossctl</title>
<style>${style}</style>
</head>
<body><main>
${body}
<footer>${escapeHtml(footer)}</footer>
</main></body>
</html>
`;
}

/** A table in a card; `header` and `rows` are HTML. */
export function tableHtml(header: string, rows: readonly string[], className = ''): string {
  const opening = className === '' ? '<table>' : `<table class="${className}">`;
  return `<div class="card scroll">${opening}<thead><tr>${header}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** The cells of a header, from text. */
export function headerHtml(names: readonly string[]): string {
  return names.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
}

/** A row of a table, from HTML; `last` is a whole cell. */
export function rowHtml(name: string, cells: readonly string[], last = ''): string {
  return `<tr><td class="name">${name}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}${last}</tr>`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}
