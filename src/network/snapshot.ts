// What a hub has of one model, pinned: the same for every hub, so that fetching knows of none.
import type { HttpRequest } from './http.js';
import type { HubFile } from './hub.js';

export interface Snapshot {
  /** Where its files come to lie. */
  home: string;
  /** A commit, or the digest of all files where the hub names none. */
  version: string;
  host: string;
  files(): Promise<readonly HubFile[]>;
  request(path: string): HttpRequest;
}
