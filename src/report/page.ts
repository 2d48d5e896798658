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

export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}
