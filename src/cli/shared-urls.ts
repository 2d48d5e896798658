// URLs in what is shared: a key in one is taken out, and a page that a licence asks to be named stays an address that opens.
import { isRedacted, shownUrl } from '../base/secrets.js';

const urls = /\bhttps?:\/\/[^\s"'<>]*[^\s"'<>.,:;)]/gi;
const keyNames = /token|key|sig|auth|secret|pass|pwd|cred|session|sid|code|access|jwt|amz|goog/i;
/** `page=cc-cedict`, `v=2`: words, or a short number. Anything else may be a key. */
const plainValue = /^(?:\d{0,6}|[A-Za-z]{1,15}(?:[-_.+][A-Za-z]{1,15}){0,3})$/;

function mayHoldKey(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password, searchParams, hash } = new URL(url);
  const inFragment = hash.includes('=') ? new URLSearchParams(hash.slice(1)) : [];
  const hasPlainQuery = [...searchParams, ...inFragment].every(
    ([name, value]) => !keyNames.test(name) && plainValue.test(value),
  );
  return username !== '' || password !== '' || !hasPlainQuery;
}

/** A text with the URLs in it as they may be shared. */
export function sharedUrls(text: string): string {
  return text.replace(urls, (url) => (mayHoldKey(url) ? shownUrl(url) : url));
}

/** The URLs in a text that would have to be changed before it is shared. */
export function urlsWithKeys(text: string): string[] {
  return (text.match(urls) ?? []).filter((url) => !isRedacted(url) && mayHoldKey(url));
}
