// A corpus while it is being built: its two document files, the texts seen so far, the facts and the counts.
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { stopIfAborted } from '../base/errors.js';
import { DocumentWriter, documentFile } from './documents.js';
import { FactBook } from './facts.js';
import { type IdentitySet, IdentityStore } from './identity-set.js';
import { type DataManifest, emptyHalves, type SourceReport } from './manifest.js';
import type { Split } from './split.js';
import type { Document } from './types.js';

export class Corpus {
  readonly store: IdentityStore;
  readonly identities: IdentitySet;
  readonly facts: FactBook;
  readonly languages: DataManifest['languages'] = { zh: emptyHalves(), en: emptyHalves(), other: emptyHalves() };
  readonly total = emptyHalves();
  readonly #writers: Record<Split, DocumentWriter>;
  #lastTurn = performance.now();

  constructor(directory: string) {
    this.store = new IdentityStore(join(directory, 'seen'));
    this.identities = this.store.open();
    this.facts = new FactBook(this.store);
    const writer = (split: Split): DocumentWriter => new DocumentWriter(join(directory, documentFile(split)));
    this.#writers = { train: writer('train'), validation: writer('validation') };
  }

  async add(document: Document, split: Split, report: SourceReport): Promise<void> {
    await this.#writers[split].add(document);
    this.#count(document, split, report, 1);
  }

  /** It was in, and is taken out again. */
  forget(document: Document, split: Split, report: SourceReport): void {
    this.#count(document, split, report, -1);
  }

  #count(document: Document, split: Split, report: SourceReport, sign: 1 | -1): void {
    const bytes = Buffer.byteLength(document.text);
    for (const halves of [this.total, this.languages[document.language], report.total]) {
      halves[split].documents += sign;
      halves[split].bytes += sign * bytes;
    }
  }

  /** Lets timers and signals in every 20 ms. @throws Interrupted */
  async pace(signal: AbortSignal | undefined): Promise<void> {
    if (performance.now() - this.#lastTurn > 20) {
      await turn();
      this.#lastTurn = performance.now();
    }
    stopIfAborted(signal, 'stopped while building the data; the next run starts it again');
  }

  /** All documents are in. */
  async close(): Promise<void> {
    await this.#writers.train.close();
    await this.#writers.validation.close();
    this.store.close();
  }

  /** Nothing is written to its folder any more: it can be removed. */
  async abort(): Promise<void> {
    this.store.close();
    await Promise.all([this.#writers.train.abort(), this.#writers.validation.abort()]);
  }
}
