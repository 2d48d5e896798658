// Which addresses are fetched from and sent to: https alone, but for this machine, and none that holds a password.

const localHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** https, or http to this machine; a name and password would be written into manifests. */
export function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && localHosts.includes(url.hostname));
}
