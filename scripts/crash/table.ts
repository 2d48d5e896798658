// What happened, how often, in which stage, and what it cost.
interface Row {
  count: number;
  worstLost: number;
}

export class Table {
  readonly #rows = new Map<string, Row>();
  fallbacks = 0;
  refusals = 0;

  #row(kind: string, stage: string): Row {
    const key = `${kind.padEnd(28)}${stage}`;
    const row = this.#rows.get(key) ?? { count: 0, worstLost: 0 };
    this.#rows.set(key, row);
    return row;
  }

  add(kind: string, stage: string): void {
    this.#row(kind, stage).count++;
  }

  lost(kind: string, stage: string, steps: number): void {
    const row = this.#row(kind, stage);
    row.worstLost = Math.max(row.worstLost, steps);
  }

  toString(): string {
    const line = (key: string, ...cells: (string | number)[]): string =>
      key.padEnd(46) + cells.map((cell) => String(cell).padStart(18)).join('');
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      line(`${'event'.padEnd(28)}stage`, 'count', 'worst steps lost'),
      ...rows.map(([key, { count, worstLost }]) => line(key, count, worstLost)),
    ].join('\n');
  }
}
