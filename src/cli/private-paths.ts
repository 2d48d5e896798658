// Where things lie on the machine of who shares a run is nobody else's business: paths in what is shared become short.
import { homedir, tmpdir } from 'node:os';
import { basename, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mapTexts } from '../base/secrets.js';
import { escapeRegex } from '../tokenizer/escape-regex.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Folders that absolute paths of people's machines begin with. */
const tops =
  'home|Users|root|tmp|var|mnt|media|data|opt|srv|work|workspace|workspaces|private|usr|scratch|nfs|Volumes|gpfs|lustre|storage|content|kaggle|app|run|etc';
const piece = String.raw`[^\s/\\"'<>|:;,()\[\]{}\u0060]+`;
const absolute = new RegExp(
  String.raw`(?<![\p{L}\p{N}_.:~/\\-])(?:/(?:${tops})(?:/${piece})+/?|[A-Za-z]:(?:\\${piece})+\\?)`,
  'gu',
);

function lastPart(path: string): string {
  return basename(path.replaceAll('\\', '/'));
}

export class PrivatePaths {
  /** Folder → what is written in its place; longest first. */
  readonly #roots: readonly (readonly [string, string])[];

  /** Paths below folders that are a person's own, wherever these are. */
  readonly #personal: readonly RegExp[];

  /** @param runDirectory real and absolute. */
  constructor(runDirectory: string) {
    const roots: [string, string][] = [
      [runDirectory, ''],
      [process.cwd(), ''],
      [packageRoot, 'mossctl/'],
    ];
    this.#roots = roots
      .map(([folder, short]): [string, string] => [folder.endsWith(sep) ? folder : folder + sep, short])
      .filter(([folder]) => folder.length > 2)
      .sort(([a], [b]) => b.length - a.length);
    this.#personal = [homedir(), tmpdir()]
      .filter((folder) => folder.length > 1)
      .map((folder) => new RegExp(`${escapeRegex(folder)}(?:[/\\\\]${piece})*`, 'gu'));
  }

  /** Of any value made of plain objects and lists. */
  shorten<T>(value: T): T {
    return mapTexts(value, (text) => this.#shortened(text));
  }

  /** The first path of this machine in a text that was to have none. */
  firstIn(text: string): string | undefined {
    const root = this.#roots.find(([folder]) => text.includes(folder));
    return root?.[0] ?? [absolute, ...this.#personal].map((path) => text.match(path)?.[0]).find((found) => found);
  }

  #shortened(text: string): string {
    let short = text;
    for (const [folder, name] of this.#roots) {
      short = short.replaceAll(folder, name);
      if (short.endsWith(folder.slice(0, -1))) short = `${short.slice(0, 1 - folder.length)}${name || '.'}`;
    }
    return [absolute, ...this.#personal].reduce((text, path) => text.replace(path, lastPart), short);
  }
}
