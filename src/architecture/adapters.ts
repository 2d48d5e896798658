// Low-rank adapters (Hu et al. 2021, "LoRA") in the parameter table: beside a matrix W two small ones, A and B, whose product
// times a scale is added to W; W itself is frozen. Modules, ranks and scales are said as PEFT says them.
import { type Fault, nearest, UserError } from '../base/errors.js';
import type { LoraConfig } from '../config/lora.js';
import { firstPatterns, isTarget } from './module-patterns.js';
import type { ParameterSpec } from './parameters.js';

/** Where adapters stand and how large they are. Modules are named without `.weight`: `model.layers.0.self_attn.q_proj`. */
export interface AdapterShape {
  rank: number;
  /** The product of A and B is multiplied by alpha / rank. */
  alpha: number;
  /** By alpha / √rank instead (Kalajdzievski 2023, "rsLoRA"). */
  rslora: boolean;
  /** Names of modules, or their last segments. */
  targets: readonly string[];
  /** Regular expressions that match the end of a module's name → its rank, its alpha; the first that matches counts. */
  rankPattern: Readonly<Record<string, number>>;
  alphaPattern: Readonly<Record<string, number>>;
}

/** Every matrix of the layers, and neither head nor embedding. */
const allLinear = 'all-linear';

/**
 * The shape that settings ask for: `all-linear` is what a model's table has.
 * @throws UserError where a target or a pattern matches none of the modules that there are.
 */
export function adapterShape(
  table: readonly ParameterSpec[],
  settings: Omit<LoraConfig, 'dropout'>,
  where = 'sft.lora',
): AdapterShape {
  const { rank, alpha, rslora, targets, rankPattern, alphaPattern } = settings;
  const named = targets === allLinear ? adaptableKinds(table) : targets;
  const shape = { rank, alpha, rslora, targets: named, rankPattern, alphaPattern };
  const faults = [...unknownTargets(table, shape, where), ...idlePatterns(table, shape, where)];
  if (faults.length > 0) throw new UserError(faults);
  return shape;
}

/** The last segments of the names of all modules that may get an adapter, in the order of the table: q_proj, k_proj, … */
export function adaptableKinds(table: readonly ParameterSpec[]): string[] {
  return [...new Set(adaptableModules(table).map((module) => module.slice(module.lastIndexOf('.') + 1)))];
}

/** Names of all modules that may get an adapter. */
export function adaptableModules(table: readonly ParameterSpec[]): string[] {
  return table.filter(isAdaptable).map(({ name }) => moduleOf(name));
}

const isAdaptable = ({ layer, shape }: ParameterSpec): boolean => layer !== undefined && shape.length === 2;

/**
 * With adapters; everything that was there is frozen. B starts at zero, so that the model starts as what it was, and A as
 * PEFT's does, uniform within ±1/√in. As in PEFT, targets and patterns that match nothing do nothing.
 * @param where What the shape was read from, for errors.
 * @throws UserError where a pattern is no regular expression.
 */
export function withAdapters(
  table: readonly ParameterSpec[],
  shape: AdapterShape,
  where = 'sft.lora',
): ParameterSpec[] {
  if (table.some(({ scale }) => scale !== undefined)) throw new Error('withAdapters: the table has adapters already');
  const sizes = adapterSizes(table, shape, where);
  return table.flatMap((row): ParameterSpec[] => {
    const frozen = { ...row, update: 'frozen' } as const;
    const size = isAdaptable(row) ? sizes.get(moduleOf(row.name)) : undefined;
    if (size === undefined) return [frozen];
    const { layer, part } = row;
    const [out, input] = row.shape;
    const names = adapterNames(row.name);
    const adapter = { layer, part, decay: true, update: 'adamw' } as const;
    const { rank, scale } = size;
    return [
      frozen,
      { name: names.a, shape: [rank, input], init: { within: 1 / Math.sqrt(input) }, ...adapter },
      { name: names.b, shape: [out, rank], init: { value: 0 }, ...adapter, scale },
    ];
  });
}

/** Rank and scale of each module that gets an adapter. Throws as `withAdapters` does. */
export function adapterSizes(
  table: readonly ParameterSpec[],
  { rank, alpha, rslora, targets, rankPattern, alphaPattern }: AdapterShape,
  where: string,
): Map<string, { rank: number; scale: number }> {
  const modules = targeted(adaptableModules(table), targets);
  const choose = (patterns: Readonly<Record<string, number>>, key: string, other: number): number[] =>
    firstPatterns(Object.keys(patterns), modules, `${where}.${key}`).map((found) =>
      found === undefined ? other : patterns[found],
    );
  const ranks = choose(rankPattern, 'rankPattern', rank);
  const alphas = choose(alphaPattern, 'alphaPattern', alpha);
  return new Map(
    modules.map((module, i) => {
      const scale = alphas[i] / (rslora ? Math.sqrt(ranks[i]) : ranks[i]);
      return [module, { rank: ranks[i], scale }];
    }),
  );
}

function targeted(modules: readonly string[], targets: readonly string[]): string[] {
  return modules.filter((module) => targets.some((target) => isTarget(target, module)));
}

function unknownTargets(table: readonly ParameterSpec[], { targets }: AdapterShape, where: string): Fault[] {
  const modules = adaptableModules(table);
  const unknown = targets.filter((target) => targeted(modules, [target]).length === 0);
  return unknown.map((target) => unknownTarget(target, table, `${where}.targets`));
}

function idlePatterns(table: readonly ParameterSpec[], shape: AdapterShape, block: string): Fault[] {
  const modules = targeted(adaptableModules(table), shape.targets);
  if (modules.length === 0) return [];
  return (['rankPattern', 'alphaPattern'] as const).flatMap((key) => {
    const patterns = Object.keys(shape[key]);
    const where = `${block}.${key}`;
    const used = new Set(firstPatterns(patterns, modules, where));
    return patterns.filter((pattern) => !used.has(pattern)).map((pattern) => idlePattern(pattern, modules, where));
  });
}

function unknownTarget(target: string, table: readonly ParameterSpec[], where: string): Fault {
  const kinds = adaptableKinds(table);
  const next = `Name some of ${kinds.join(', ')} (or ${allLinear} for all of them), or one by its whole name, such as ${adaptableModules(table)[0]}`;
  const other = table.find(({ name }) => isTarget(target, moduleOf(name)));
  if (other === undefined) {
    const near = nearest(target, kinds);
    return { where, what: `the model has no module ${target}`, next: near ? `Did you mean ${near}?` : next };
  }
  const why =
    other.shape.length === 1
      ? 'it is a vector, and a product of two matrices cannot be added to it'
      : 'it has a row for each token; an adapter there would need the whole matrix saved beside it, and others refuse that';
  return { where, what: `${target} cannot have an adapter`, why, next };
}

function idlePattern(pattern: string, modules: readonly string[], where: string): Fault {
  const kinds = [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))];
  return {
    where,
    what: `the pattern ${pattern} decides on no module that has an adapter`,
    why: `those are ${kinds.join(', ')}, from ${modules[0]} to ${modules[modules.length - 1]}; the first pattern that matches counts`,
    next: 'Correct it, or remove it',
  };
}

/** Of the two matrices beside `<module>.weight`. */
export function adapterNames(weight: string): { a: string; b: string } {
  const module = moduleOf(weight);
  return { a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` };
}

function moduleOf(weight: string): string {
  return weight.replace(/\.weight$/, '');
}
