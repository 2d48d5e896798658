// The address says what is shown, so that it can be kept, shared and gone back from: #/chat, #/watch/RUN/OTHER, #/feedback.
import { useEffect, useState } from 'preact/hooks';

export const views = ['chat', 'watch', 'feedback'] as const;
export type View = (typeof views)[number];

/** The view, and the names of the runs that are watched: one, or two that are compared. */
export function useRoute(): [View, string[]] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const change = (): void => setHash(location.hash);
    addEventListener('hashchange', change);
    change(); // it may have changed since it was read
    return () => removeEventListener('hashchange', change);
  }, []);
  const [name, ...runs] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  return [views.find((view) => view === name) ?? 'chat', runs.filter((run) => run !== '').slice(0, 2)];
}

export function watchAddress(...runs: readonly (string | undefined)[]): string {
  const names = runs.flatMap((run) => (run === undefined ? [] : [encodeURIComponent(run)]));
  return `#/${['watch', ...names].join('/')}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
