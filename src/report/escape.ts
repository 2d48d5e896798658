// Outside text on its way into a page: model outputs, file names, licences. Nothing of it may become markup.

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Safe as text and inside quoted attributes; control characters, which HTML forbids, become U+FFFD. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]).replace(/(?![\n\t\r])\p{Cc}/gu, '\ufffd');
}

/** A link for http(s) addresses only; anything else stays text. */
export function linkHtml(text: string, url?: string): string {
  if (url === undefined || !/^https?:\/\/[^\s]+$/i.test(url)) return escapeHtml(text);
  return `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(text)}</a>`;
}
