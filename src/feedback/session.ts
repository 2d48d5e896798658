// What one person writes into a store: judgements, and taking them back.
import { itemOf, type Judgement, newId, type Undo } from './record.js';
import { appendFeedback, finishDeletions } from './store.js';

/** What the person said, and of what; the rest of a record follows from it. */
export type NewJudgement = Omit<Judgement, 'type' | 'id' | 'at' | 'annotator' | 'item'>;

export class FeedbackSession {
  readonly path: string;
  readonly annotator: string;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  private constructor(path: string, annotator: string, now: () => number) {
    this.path = path;
    this.annotator = annotator;
    this.#now = now;
  }

  /** Nothing is written yet, but for deletions that a crash interrupted. @throws UserError where the file is no store. */
  static async open(path: string, annotator: string, now: () => number): Promise<FeedbackSession> {
    await finishDeletions(path);
    return new FeedbackSession(path, annotator, now);
  }

  /** Returns once it is on the disk. `replaces`: an earlier judgement of the same, which is withdrawn in the same write. */
  async judge(given: NewJudgement, replaces?: Judgement): Promise<Judgement> {
    const judgement: Judgement = {
      ...{ type: 'judgement', id: newId(), ...this.#signature(), ...given },
      item: itemOf(
        given.prompt,
        given.answers.map(({ messages }) => messages),
      ),
    };
    await appendFeedback(this.path, [...(replaces === undefined ? [] : [this.#undoOf(replaces)]), judgement]);
    return judgement;
  }

  /** Its text stays in the store, until it is deleted. */
  async undo(judgement: Pick<Judgement, 'id' | 'conversation'>): Promise<void> {
    await appendFeedback(this.path, [this.#undoOf(judgement)]);
  }

  #undoOf({ id, conversation }: Pick<Judgement, 'id' | 'conversation'>): Undo {
    return { type: 'undo', id: newId(), conversation, ...this.#signature(), target: id };
  }

  #signature(): { at: string; annotator: string } {
    return { at: new Date(Math.round(this.#now())).toISOString(), annotator: this.annotator };
  }
}
