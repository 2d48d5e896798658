// Text from outside, made fit to be shown, compared and kept.

/** Control characters other than line ends removed, spaces trimmed, length bounded. */
export function cleanText(text: string, maxLength: number): string {
  return text
    .slice(0, maxLength)
    .replace(/\r\n?/g, '\n')
    .replace(/[\p{C}\uFFFD]/gu, (character: string) => (character === '\n' ? '\n' : ''))
    .trim();
}
