// Numbers as people read them.

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 1 thread, 2 threads, 1,000 threads. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** a, b and c. */
export function listOf(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

/** 1234567 → "1.23M". */
export function formatShort(value: number): string {
  const units: [number, string][] = [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, unit] of units)
    if (Math.abs(value) >= size) return `${trimZeros((value / size).toPrecision(3))}${unit}`;
  return trimZeros(value.toPrecision(3));
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** 0.5s, 42s, 9m12s, 1h04m, 3.5 days, 120 years: short, because two of them stand beside a progress bar in 80 columns. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${String(whole % 60).padStart(2, '0')}s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
  const days = minutes / 60 / 24;
  const [value, unit] = days < 2 * daysPerYear ? [days, 'days'] : [days / daysPerYear, 'years'];
  return `${value < 100 ? trimZeros(value.toPrecision(2)) : formatCount(value)} ${unit}`;
}

const daysPerYear = 365.25;

/** Columns the terminal needs for `text`: CJK and full-width characters count two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += wideCharacter.test(character) ? 2 : 1;
  return width;
}

const wideCharacter =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** What fits any terminal. */
export const terminalColumns = 80;

/** Broken at blanks and between Chinese characters, later lines set in by as many blanks as `indent` says. */
export function wrapped(text: string, width: number, indent = 2): string {
  const lines: string[] = [];
  let line = '';
  for (const [blank, unit] of breakableUnits(text)) {
    if (line !== '' && displayWidth(line + blank + unit) > width) {
      lines.push(line);
      line = ' '.repeat(indent) + unit;
    } else line = line === '' ? unit : line + blank + unit;
  }
  return [...lines, line].join('\n');
}

/** Words; of Chinese, characters, with the marks that may not begin or end a line. Each with the blank before it. */
function breakableUnits(text: string): [blank: string, unit: string][] {
  return text.split(' ').flatMap((word, i) => {
    const units = wideCharacter.test(word) ? (word.match(wideUnit) ?? [word]) : [word];
    return units.map((unit, j): [string, string] => [i > 0 && j === 0 ? ' ' : '', unit]);
  });
}

const wideUnit =
  /[（“‘《「【]*(?:[\u2e80-\u3000\u3003-\u3007\u3012-\ua4cf\uac00-\ud7a3\uf900-\ufaff]|[^\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60（“‘]+)[，。、；：！？）”’》」】…·%％]*|./gu;

type Cells = readonly string[];

/** A plain-text table: the first column left-aligned, the others right-aligned. */
export function formatTable(header: Cells, rows: readonly Cells[]): string {
  const all = [header, ...rows];
  const [head, ...lines] = alignColumns(all, (column) => column > 0);
  const rule = columnWidths(all).map((width) => '-'.repeat(width));
  return [head, rule.join('  '), ...lines].join('\n');
}

/** Rows whose cells begin in the same places, or end there where `isRight` says so. */
export function alignColumns(rows: readonly Cells[], isRight: (column: number) => boolean = () => false): string[] {
  const widths = columnWidths(rows);
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const padding = ' '.repeat(widths[column] - displayWidth(cell));
      return isRight(column) ? padding + cell : cell + padding;
    });
    return cells.join('  ').trimEnd();
  });
}

function columnWidths(rows: readonly Cells[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
  }
  return widths;
}

function trimZeros(text: string): string {
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

const steering = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** One line without control or direction characters: a model's output or a file's text must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\r?\n/g, ' ⏎ ').replace(steering, '\ufffd');
}

/** The same, but line breaks and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(steering, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'));
}

export function shorten(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}

/** 'selfInstruct' → 'self-instruct': how a stage is written in commands, folders and reports. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
