// What a metric was called in runs of earlier versions: their files say it by the former name, and are read by the present one.

const former: Readonly<Record<string, string>> = { exactMatch: 'correct' };

/** `exactMatch.zh` → `correct.zh`. */
export function presentMetricName(name: string): string {
  const [head, ...parts] = name.split('.');
  return Object.hasOwn(former, head) ? [former[head], ...parts].join('.') : name;
}

/** The same values by their present names. */
export function presentMetrics<T>(metrics: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [presentMetricName(name), value]));
}
