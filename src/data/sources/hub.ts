// Files of a dataset on the Hugging Face hub: pinned to one commit, fetched one by one. A branch or tag is resolved once and
// the commit kept in the cache, so that a build is the same until `mossctl data fetch` asks again.
import { join } from 'node:path';
import { exists } from '../../base/files.js';
import { download } from '../../network/download.js';
import type { FetchContext } from '../../network/http.js';
import { type HubRepo, hubFileUrl, hubListing, hubRequest, repoHome } from '../../network/hub.js';
import { compareNames, pathMatcher, type RemoteFile, type SourceFile } from './files.js';
import type { From } from './from.js';

type HubSource = From & { kind: 'hf' };

export function repoOf({ dataset, revision }: HubSource): HubRepo {
  return { kind: 'dataset', name: dataset, revision };
}

/** The files that the path of `source` names at `commit`, in the order of reading; hidden ones only if it names one. */
export async function hubFiles(source: HubSource, commit: string, context: FetchContext): Promise<RemoteFile[]> {
  const repo = repoOf(source);
  const matches = pathMatcher(source.path);
  const isHidden = (path: string): boolean => /(?:^|\/)\.[^./]/.test(path);
  const all = await hubListing(repo, commit, context);
  const files = all.filter(({ path }) => matches(path) && (!isHidden(path) || isHidden(source.path)));
  return Promise.all(
    files
      .sort((a, b) => compareNames(a.path, b.path))
      .map(async ({ path: name, size, checksum }) => {
        const path = join(repoHome(repo), commit, 'files', name);
        const get = async (): Promise<SourceFile> => {
          const request = hubRequest(hubFileUrl(repo, commit, name), repo);
          const label = `fetch ${repo.name} ${name}`;
          const stamp = await download({ ...request, path, label, checksum, size }, context);
          return { path, name, stamp };
        };
        return { name, bytes: size, isCached: await exists(path), get };
      }),
  );
}
