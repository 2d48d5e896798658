// What the browser keeps for this page: `local` for all its tabs, `session` for one. A browser that stores nothing is no error.

type Place = 'local' | 'session';

export function stored(place: Place, key: string): string | undefined {
  try {
    return storageOf(place).getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** @returns whether it is kept. */
export function store(place: Place, key: string, text: string): boolean {
  try {
    storageOf(place).setItem(key, text);
    return true;
  } catch {
    return false;
  }
}

export function forget(place: Place, key: string): void {
  try {
    storageOf(place).removeItem(key);
  } catch {
    // Nothing is stored.
  }
}

export function storedKeys(place: Place, prefix: string): string[] {
  try {
    return Object.keys(storageOf(place)).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

function storageOf(place: Place): Storage {
  return place === 'local' ? localStorage : sessionStorage;
}
