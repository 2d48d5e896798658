// A critic beside a policy: a reward model asked at every token instead of the last one alone, which says how well an answer will be
// rewarded from there on. The two are one table of parameters, so that one trainer steps both; none of them reads the other's rows.
import { decoderTable, isOfCritic, type ParameterSpec } from '../architecture/parameters.js';
import type { ModelConfig } from '../config/model.js';
import { reshape, type Tensor1D, type Tensor2D, type Variable } from '../tensor/tf.js';
import type { Model } from './model.js';
import { project } from './project.js';

const prefix = 'critic.';

/**
 * Both as one model: the policy, whose configuration it has, and the critic's rows behind its own. Replaces both, whose weights it
 * takes over. @param critic A reward model, all of which is trained.
 */
export function withCritic(policy: Model, critic: Model): Model {
  // Of no layer of the policy: its forward pass is to find its own rows alone.
  const rows = critic.parameters.map(
    ({ layer: _, ...row }): ParameterSpec => ({ ...row, name: prefix + row.name, critic: true }),
  );
  const weights = [...critic.weights].map(([name, value]): [string, Variable] => [prefix + name, value]);
  return {
    ...policy,
    parameters: [...policy.parameters, ...rows],
    weights: new Map([...policy.weights, ...weights]),
  };
}

/** The policy by itself; its weights stay where they are. */
export function policyOf(model: Model): Model {
  if (!model.parameters.some(isOfCritic)) return model;
  const parameters = model.parameters.filter((row) => !isOfCritic(row));
  const weights = new Map([...model.weights].filter(([name]) => !name.startsWith(prefix)));
  return { ...model, parameters, weights };
}

/** The critic by itself, as the reward model of this configuration; its weights stay where they are. */
export function criticOf({ weights }: Model, config: ModelConfig): Model {
  const own = [...weights].filter(([name]) => name.startsWith(prefix));
  return {
    ...{ config, parameters: tableOf(config) },
    weights: new Map(own.map(([name, value]) => [name.slice(prefix.length), value])),
  };
}

/** The score of each state [n], of states [n, d]. */
export function valuesOfStates(critic: Model, states: Tensor2D): Tensor1D {
  return reshape(project(critic, 'score', states), [states.shape[0]]);
}

const tables = new WeakMap<ModelConfig, ParameterSpec[]>();

/** One for each configuration: what is worked out of a table is kept by it. */
function tableOf(config: ModelConfig): ParameterSpec[] {
  const table = tables.get(config) ?? decoderTable(config);
  tables.set(config, table);
  return table;
}
