// A corpus while it is being built: its two document files, the texts seen so far, the facts and the counts.
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Interrupted } from '../base/errors.js';
import { DocumentWriter, documentFile } from './documents.js';
import { FactBook } from './facts.js';
import { type DataManifest, emptyHalves, type SourceReport } from './manifest.js';
import { IdentitySet, type Split } from './split.js';
import type { Document } from './types.js';

export class Corpus {
  readonly identities = new IdentitySet();
  readonly facts = new FactBook();
  readonly languages: DataManifest['languages'] = { zh: emptyHalves(), en: emptyHalves(), other: emptyHalves() };
  readonly total = emptyHalves();
  readonly #writers: Record<Split, DocumentWriter>;
  #lastTurn = performance.now();

  constructor(directory: string) {
    const writer = (split: Split): DocumentWriter => new DocumentWriter(join(directory, documentFile(split)));
    this.#writers = { train: writer('train'), validation: writer('validation') };
  }

  async add(document: Document, split: Split, report: SourceReport): Promise<void> {
    await this.#writers[split].add(document);
    const bytes = Buffer.byteLength(document.text);
    for (const halves of [this.total, this.languages[document.language], report.total]) {
      halves[split].documents++;
      halves[split].bytes += bytes;
    }
  }

  /** Lets timers and signals in every 20 ms. @throws Interrupted */
  async pace(interrupt: { readonly requested: boolean }): Promise<void> {
    if (performance.now() - this.#lastTurn > 20) {
      await turn();
      this.#lastTurn = performance.now();
    }
    if (interrupt.requested) throw new Interrupted('stopped while building the data; the next run starts it again');
  }

  async close(): Promise<void> {
    await this.#writers.train.close();
    await this.#writers.validation.close();
  }

  abort(): void {
    this.#writers.train.abort();
    this.#writers.validation.abort();
  }
}
