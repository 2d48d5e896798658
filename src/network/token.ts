// The key to the Hugging Face hub, as its own tools keep it: HF_TOKEN, else the file that `hf auth login` wrote.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../base/errors.js';
import { keepSecret } from '../base/secrets.js';
import { isOn } from './http.js';

const maxTokenLength = 4096;

/**
 * Undefined where there is none. From here on it is redacted wherever something leaves the process.
 * @throws UserError where it cannot be sent: fetch would repeat it in its error.
 */
export function hubToken(): string | undefined {
  const { HF_TOKEN, HUGGING_FACE_HUB_TOKEN } = process.env;
  const own = (HF_TOKEN || HUGGING_FACE_HUB_TOKEN)?.trim();
  const path = own ? undefined : tokenPath();
  const token = own || (path === undefined ? undefined : readToken(path));
  if (!token) return undefined;
  if (/^[!-~]+$/.test(token) && token.length <= maxTokenLength) {
    keepSecret(token);
    return token;
  }
  throw new UserError({
    what: `${path === undefined ? (HF_TOKEN ? 'HF_TOKEN' : 'HUGGING_FACE_HUB_TOKEN') : 'this file'} holds a character that no token has`,
    where: path,
    next: `Set ${path === undefined ? 'it' : 'HF_TOKEN'} again, as https://huggingface.co/settings/tokens shows it: hf_…`,
  });
}

function tokenPath(): string | undefined {
  const { HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME, HF_HUB_DISABLE_IMPLICIT_TOKEN } = process.env;
  if (isOn(HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  if (HF_TOKEN_PATH) return HF_TOKEN_PATH;
  try {
    return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'token');
  } catch {
    return undefined; // there is no home
  }
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
