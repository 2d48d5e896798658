// Which knobs of the `align` block the methods read: what a file says for one gives way where another is asked for in its place.
import { distillShape, isOnline, onlineKeysOf, onlineShape } from './online.js';
import { policyDefaults, policyKeysOf, policyMethods, policyShape } from './policy.js';
import { ppoShape } from './ppo.js';
import { type MethodName, methodDefaults, methodNames, preferenceKeysOf, preferenceShape } from './preference.js';

const shapes = [preferenceShape, policyShape, onlineShape, distillShape, ppoShape];

interface UnreadKey {
  key: string;
  /** Of a knob that the method reads, but not with what the file's `align` block says. */
  isUnread?(align: Readonly<Record<string, unknown>>): boolean;
}

/** Of a method that exists; of another name, none. */
export function unreadBy(name: string): UnreadKey[] {
  const method = methodNames.find((each) => each === name);
  if (method === undefined) return [];
  const read = [
    ...preferenceKeysOf(method),
    ...policyKeysOf(method),
    ...onlineKeysOf(method),
    ...(method === 'ppo' ? Object.keys(ppoShape) : []),
  ];
  const unread = shapes.flatMap((shape) => Object.keys(shape)).filter((key) => !read.includes(key));
  if (method === 'ppo' || method === 'distill') unread.push('alarms.alike');
  // What learns from its own answers learns nothing of what people gave, and has none of it to be decided by.
  if (isOnline(method)) unread.push('data', 'format', 'evalData', 'gate.metric');
  return [...unread.map((key) => ({ key })), ...withLosses(method).filter(({ key }) => read.includes(key))];
}

/** A loss that the method lacks, and the weights of those that were named with it: before the losses, by which both are judged. */
function withLosses(method: MethodName): UnreadKey[] {
  const isOther = (losses: readonly string[]) => (written: unknown) =>
    written !== undefined && [written].flat().some((loss) => !losses.includes(String(loss)));
  const isOtherLoss = isOther(methodDefaults[method].losses);
  const policy = policyMethods.find((each) => each === method);
  const isOtherPolicyLoss = isOther(policy === undefined ? [] : policyDefaults[policy].losses);
  return [
    { key: 'lossWeights', isUnread: ({ loss }) => isOtherLoss(loss) },
    { key: 'loss', isUnread: ({ loss }) => isOtherLoss(loss) },
    { key: 'policyLoss', isUnread: ({ policyLoss }) => isOtherPolicyLoss(policyLoss) },
  ];
}
