// What a metric was called in runs of earlier versions: their files say it by the former name, and are read by the present one.

const former: Readonly<Record<string, string>> = { exactMatch: 'correct' };

/** `exactMatch.zh` → `correct.zh`. */
export function presentMetricName(name: string): string {
  const [head, ...parts] = name.split('.');
  return Object.hasOwn(former, head) ? [former[head], ...parts].join('.') : name;
}

/** The same values by their present names. */
export function presentMetrics<T>(metrics: Readonly<Record<string, T>>): Record<string, T> {
  return mapped(metrics, presentMetricName);
}

/**
 * As a stage names it that measures while it trains: on less text than the table, so that bits per byte and formulas are other
 * figures there and have other names, as `heldOutLoss` and `heldOutReward` are. Earlier versions called both the same.
 */
export function trainingMetricName(name: string): string {
  return presentMetricName(name)
    .replace(/^bitsPerByte(?=\.|$)/, 'heldOutBitsPerByte')
    .replace(/^formula(?=\.|$)/, 'heldOutFormula');
}

export function trainingMetrics<T>(metrics: Readonly<Record<string, T>>): Record<string, T> {
  return mapped(metrics, trainingMetricName);
}

function mapped<T>(metrics: Readonly<Record<string, T>>, nameOf: (name: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [nameOf(name), value]));
}
