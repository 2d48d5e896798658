// Tokens as a person reads them: one blank between two of them, a new line where the text has one. What carries loss is
// green in a terminal and stands in ⟦ ⟧ elsewhere; a weight other than 1 follows it, as ×0.5.
import pc from 'picocolors';
import { countOf, displayWidth, formatCount, printable } from '../base/format.js';
import type { TokensReport, TokenView } from '../inspect/tokens.js';
import { verbatim } from './output.js';

/** Colours only where they are seen: NO_COLOR and pipes get brackets. */
function hasColours(): boolean {
  return pc.isColorSupported && (process.stdout.isTTY || Boolean(process.env.FORCE_COLOR));
}

export function tokensText(
  report: TokensReport,
  { colours = hasColours(), columns = process.stdout.columns || 120 } = {},
): string {
  const { what, sequences, titles, tokens, withLoss } = report;
  const parts = [printable(what), ''];
  for (const [i, sequence] of sequences.entries()) {
    if (titles !== undefined) parts.push(titles[i]);
    else if (sequences.length > 1) parts.push(`sequence ${i + 1} of ${sequences.length}`);
    parts.push(...wrap(sequence, colours, columns), '');
  }
  const share = tokens === 0 ? '' : ` (${((100 * withLoss) / tokens).toFixed(0)} %)`;
  const key = withLoss === 0 ? '' : colours ? `, ${pc.green('green')}` : ', in ⟦ ⟧';
  parts.push(`${countOf(tokens, 'token')}, ${formatCount(withLoss)} with loss${share}${key}`);
  return parts.join('\n');
}

/** Whole tokens in lines of at most `columns`. */
function wrap(tokens: readonly TokenView[], colours: boolean, columns: number): string[] {
  const lines: string[] = [];
  let line: string[] = [];
  let used = 0;
  const close = (): void => {
    if (line.length > 0) lines.push(verbatim(line.join(' ')));
    line = [];
    used = 0;
  };
  for (const [i, token] of tokens.entries()) {
    const { loss } = token;
    const opens = loss > 0 && tokens[i - 1]?.loss !== loss;
    const closes = loss > 0 && tokens[i + 1]?.loss !== loss;
    const weight = closes && loss !== 1 ? `×${Number(loss.toFixed(3))}` : '';
    const bare = colours ? `${token.text}${weight}` : `${opens ? '⟦' : ''}${token.text}${closes ? `⟧${weight}` : ''}`;
    const needed = displayWidth(bare) + (line.length > 0 ? 1 : 0);
    if (used + needed > columns) close();
    line.push(colours ? coloured(token) + pc.dim(weight) : bare);
    used += needed;
    if (token.text.endsWith('↵')) close();
  }
  close();
  return lines;
}

function coloured({ text, control, loss }: TokenView): string {
  if (loss > 0) return pc.green(control ? pc.bold(text) : text);
  return control ? pc.cyan(text) : pc.dim(text);
}
