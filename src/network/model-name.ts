// A model that is named and not lying here: `hf:ORG/NAME@REVISION:FOLDER` of the Hugging Face hub, `ms:…` of ModelScope.
// What a person writes nearly so is answered with what they meant.
import { UserError } from '../base/errors.js';

export const hubs = { hf: 'the Hugging Face hub', ms: 'ModelScope' } as const;
export type Hub = keyof typeof hubs;

export interface ModelName {
  hub: Hub;
  /** ORG/NAME */
  name: string;
  /** A branch, a tag or a commit; undefined: the main one. */
  revision?: string;
  /** Of the repository, where the model lies in one. */
  folder?: string;
}

const part = '[A-Za-z0-9_][\\w.-]{0,95}';
const repository = `${part}/${part}`;
const pattern = new RegExp(`^(hf|ms):(${repository})(?:@([A-Za-z0-9][\\w./-]{0,199}))?(?::([^\\\\:]{1,1000}))?$`);
const prefix = /^(?:hf|ms|huggingface|modelscope):/i;
const addresses: readonly [Hub, RegExp][] = [
  [
    'hf',
    new RegExp(
      `^(?:https?://)?(?:www\\.)?(?:huggingface\\.co|hf\\.co|hf-mirror\\.com)/(${repository})(?:/(?:tree|blob|resolve)/([\\w.-]+)(?:/.*)?)?/?$`,
    ),
  ],
  ['ms', new RegExp(`^(?:https?://)?(?:www\\.)?modelscope\\.(?:cn|ai)/models/(${repository})(?:/.*)?$`)],
];
const form = 'hf:ORG/NAME or hf:ORG/NAME@REVISION, such as hf:Qwen/Qwen3-0.6B (ms:ORG/NAME for ModelScope)';

/** Whether a text names a model of a hub, well or badly, and no path. */
export function isModelName(text: string): boolean {
  return prefix.test(text) || addresses.some(([, address]) => address.test(text));
}

/** @throws UserError that says how it is written. */
export function parseModelName(text: string): ModelName {
  const [, hub, name, revision, folder] = pattern.exec(text) ?? [];
  if (hub !== undefined && !folder?.split('/').some((each) => ['', '.', '..'].includes(each))) {
    return { hub: hub as Hub, name, ...(revision && { revision }), ...(folder && { folder }) };
  }
  const meant = nearModelName(text);
  throw new UserError({
    what: 'this is not the name of a model',
    where: text,
    why: `it is written ${form}`,
    next: meant === undefined ? 'Look the name up on https://huggingface.co/models' : `Did you mean ${meant}?`,
  });
}

export function shownModelName({ hub, name, revision, folder }: ModelName): string {
  return `${hub}:${name}${revision === undefined ? '' : `@${revision}`}${folder === undefined ? '' : `:${folder}`}`;
}

/** What was probably meant, by someone who wrote an address or a name without `hf:`; undefined where nothing looks like it. */
export function nearModelName(text: string): string | undefined {
  for (const [hub, address] of addresses) {
    const [, name, revision] = address.exec(text) ?? [];
    if (name !== undefined) return shownModelName({ hub, name, ...(revision && revision !== 'main' && { revision }) });
  }
  const hub = /^(?:ms|modelscope):/i.test(text) ? 'ms' : 'hf';
  const bare = text.replace(prefix, '').replace(/^\/+|\/+$/g, '');
  const spelled = `${hub}:${bare.replace('#', ':')}`;
  return bare !== '' && new RegExp(`^${repository}(?:[@:#]|$)`).test(bare) && pattern.test(spelled)
    ? spelled
    : undefined;
}
