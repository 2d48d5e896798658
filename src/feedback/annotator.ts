// Whose judgements they are: a name that was given, else the one that this person is logged in with.
import { userInfo } from 'node:os';
import { UserError } from '../base/errors.js';

/** @throws UserError for what is no name on one line. */
export function annotatorOf(name: string = loginName()): string {
  if (name.length <= 100 && !/[\p{Cc}]/u.test(name)) return name;
  throw new UserError({ what: 'an annotator is a name of at most 100 characters on one line', next: 'Shorten it' });
}

function loginName(): string {
  try {
    return userInfo().username || 'someone';
  } catch {
    return 'someone'; // a user id without a name, as in a container
  }
}
