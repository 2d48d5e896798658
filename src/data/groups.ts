// Which items are one piece of evidence: those that share a key (what they ask, a group that they name), directly or through
// others. What is held out to decide with is held out by whole groups.

/**
 * @param keys Of each item, the one that names it first.
 * @returns a name for each item, equal within a group: the first key of the item, the least of them where they differ.
 */
export function groupNames(keys: readonly (readonly string[])[]): string[] {
  const parents = keys.map((_, i) => i);
  const rootOf = (item: number): number => {
    let root = item;
    while (parents[root] !== root) root = parents[root];
    for (let at = item; at !== root; ) [at, parents[at]] = [parents[at], root];
    return root;
  };
  const firstWith = new Map<string, number>();
  for (const [item, own] of keys.entries()) {
    for (const key of own) {
      const other = firstWith.get(key);
      if (other === undefined) firstWith.set(key, item);
      else parents[rootOf(item)] = rootOf(other);
    }
  }
  const names = new Map<number, string>();
  for (const [item, [name]] of keys.entries()) {
    const known = names.get(rootOf(item));
    if (known === undefined || name < known) names.set(rootOf(item), name);
  }
  return keys.map((_, item) => names.get(rootOf(item)) as string);
}
