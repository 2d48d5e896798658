// A curve of any length in bounded memory: once it has too many points, each stretch of the axis keeps its lowest and its highest,
// so that no spike is lost, and stretches grow with the curve, so that its beginning stays as fine as its end.
import { bounds, type RunDetail } from './contract.js';

type Series = RunDetail['series'][number];
export type CurvePoint = Series['points'][number];

export class Curve {
  /** Stretch → one point, or its lowest and highest, by their place. */
  #stretches = new Map<number, CurvePoint[]>();
  #width = 1;
  #count = 0;

  /** At a place that has a value already the new one counts, as long as nothing has been thinned. */
  add(x: number, value: number): void {
    this.#put([x, Number.isFinite(value) ? value : null]);
    while (this.#count > bounds.points) this.#widen();
  }

  /** Forgets this place and all behind it, for they come again. */
  cutFrom(x: number): void {
    for (const [key, points] of this.#stretches) {
      const kept = points.filter(([place]) => place < x);
      this.#count -= points.length - kept.length;
      if (kept.length === 0) this.#stretches.delete(key);
      else this.#stretches.set(key, kept);
    }
  }

  get series(): Pick<Series, 'points' | 'thinned'> {
    const points = [...this.#stretches.values()].flat().sort(([a], [b]) => a - b);
    return { points, ...(this.#width > 1 && { thinned: true }) };
  }

  #put(point: CurvePoint): void {
    const key = Math.floor(point[0] / this.#width);
    const before = this.#width === 1 ? [] : (this.#stretches.get(key) ?? []);
    const kept = extremes([...before, point]);
    this.#count += kept.length - (this.#stretches.get(key)?.length ?? 0);
    this.#stretches.set(key, kept);
  }

  #widen(): void {
    const points = [...this.#stretches.values()].flat();
    this.#stretches = new Map();
    this.#count = 0;
    this.#width *= 2;
    for (const point of points) this.#put(point);
  }
}

function extremes(points: CurvePoint[]): CurvePoint[] {
  if (points.length < 3) return points;
  const by = [...points].sort(([, a], [, b]) => (a ?? 0) - (b ?? 0));
  return [...new Set([by[0], by[by.length - 1]])].sort(([a], [b]) => a - b);
}
