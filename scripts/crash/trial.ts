// One run folder that is interrupted and damaged until it is finished, and what must hold after every process of it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../src/report/event.js';
import type { Damage } from './damage.js';
import { type Session, said } from './session.js';
import { fingerprint, wholeSteps } from './survey.js';
import type { Table } from './table.js';

/** What ended the process that did the steps which may be lost. */
interface Ending {
  kind: string;
  stage: string;
}

interface Training {
  /** The last step that was done, and the last whose checkpoint was said to be whole. */
  done: number;
  saved: number;
  ended?: Ending;
}

export class Trial {
  readonly run: string;
  readonly violations: string[] = [];
  readonly #table: Table;
  readonly #trainings = new Map<string, Training>();
  /** Those that nothing has been said of yet, and all of them. */
  readonly #damages: Damage[] = [];
  readonly #allDamages: Damage[] = [];
  readonly #finished = new Set<string>();
  /** Newest whole checkpoint of each training folder, as the next process will find it. */
  #whole = new Map<string, number>();

  constructor(run: string, table: Table) {
    this.run = run;
    this.#table = table;
  }

  get damagedFiles(): ReadonlySet<string> {
    return new Set(this.#damages.map(({ file }) => file));
  }

  get finishedStages(): ReadonlySet<string> {
    return this.#finished;
  }

  damage(damage: Damage): void {
    this.#damages.push(damage);
    this.#allDamages.push(damage);
    this.#table.add(`${damage.how} ${damage.kind}`, damage.file.split('/')[0]);
  }

  /** Call before each process. */
  survey(): void {
    this.#whole = existsSync(this.run) ? wholeSteps(this.run, this.damagedFiles) : new Map();
  }

  /** Checks what a process did and said. @returns whether the run is finished. */
  take(session: Session, ending: Ending | undefined): boolean {
    const damagedBefore = this.#damages.length > 0;
    for (const event of session.events) {
      if (event.type === 'stage' && ['finished', 'skipped'].includes(event.state)) this.#finished.add(event.stage);
    }
    this.#followSteps(session.events, ending, damagedBefore);
    this.#settleDamages(session);
    this.#table.fallbacks += [...said(session).matchAll(/skipped a damaged|rebuilt/g)].length;
    const isEnd = session.code === 0 && session.signal === null;
    if (ending === undefined && !isEnd) this.#refused(session);
    return isEnd;
  }

  /** After the last process: equal to the uninterrupted run, nothing left lying about, every damage told. */
  finish(reference: Record<string, string>): boolean {
    const found = fingerprint(this.run);
    const keys = [...new Set([...Object.keys(reference), ...Object.keys(found)])];
    const different = keys.filter((key) => reference[key] !== found[key]);
    for (const key of different.slice(0, 5)) this.violations.push(`${key} is not as in the uninterrupted run`);
    const left = readdirSync(this.run, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(^|\/)\.tmp-/.test(name),
    );
    if (left.length > 0) this.violations.push(`left behind: ${left.join(', ')}`);
    for (const { file, matters, how } of this.#damages) {
      if (matters) this.violations.push(`${file} was ${how}, and nothing was said of it to the end`);
    }
    return different.length === 0;
  }

  #followSteps(events: readonly Event[], ending: Ending | undefined, damaged: boolean): void {
    const begun = new Set<string>();
    for (const event of events) {
      if (event.type !== 'step' && event.type !== 'checkpoint') continue;
      const folder = event.round === undefined ? event.stage : `align/round-${String(event.round).padStart(2, '0')}`;
      const training = this.#trainings.get(folder) ?? { done: 0, saved: 0 };
      this.#trainings.set(folder, training);
      if (event.type === 'checkpoint') training.saved = event.step;
      else {
        if (!begun.has(folder)) {
          this.#checkBegin(folder, training, event.step, damaged);
          training.saved = Math.min(training.saved, event.step - 1); // what was damaged and told is no longer owed
        }
        begun.add(folder);
        training.done = event.step;
        training.ended = ending;
      }
    }
  }

  /** The first step of a process in a training folder: right after the newest whole checkpoint, which is the last saved. */
  #checkBegin(folder: string, { done, saved, ended }: Training, first: number, damaged: boolean): void {
    const whole = this.#whole.get(folder) ?? 0;
    if (first !== whole + 1) {
      this.violations.push(`${folder} went on with step ${first}, its newest whole checkpoint is step ${whole}`);
    }
    if (!damaged && whole < saved) {
      this.violations.push(`${folder} lost step ${saved}, which was said to be saved; step ${whole} is whole`);
    }
    this.#countLost(folder, whole < saved, ended, Math.max(0, done - first + 1));
    if (ended?.kind === 'SIGTERM' && !damaged && first <= done) {
      this.violations.push(`${folder} was asked to stop at step ${done} and went on with step ${first}`);
    }
  }

  /** What was lost is laid to the damage of a checkpoint, if there was one, else to what ended the process before. */
  #countLost(folder: string, isDamaged: boolean, ended: Ending | undefined, steps: number): void {
    const damage = isDamaged ? this.#allDamages.findLast(({ file }) => file.startsWith(`${folder}/`)) : undefined;
    if (damage !== undefined) this.#table.lost(`${damage.how} ${damage.kind}`, folder.split('/')[0], steps);
    else if (ended !== undefined) this.#table.lost(ended.kind, ended.stage, steps);
  }

  /** A damage is over when the file is named, or is gone with what it belonged to and was no one's to read. */
  #settleDamages(session: Session): void {
    const text = said(session);
    for (const damage of [...this.#damages]) {
      const { file, matters, how } = damage;
      const path = join(this.run, file);
      const isThere = existsSync(path) && readFileSync(path).equals(damage.damaged);
      const isNamed = text.includes(file);
      if (isThere && !isNamed) continue;
      if (!isNamed && matters) this.violations.push(`${file} was ${how}, and was replaced without a word`);
      this.#damages.splice(this.#damages.indexOf(damage), 1);
    }
  }

  /** A process that ended by itself, and not well: only a named damage excuses it, which we then undo. */
  #refused(session: Session): void {
    const text = said(session);
    const named = this.#damages.find(({ file }) => text.includes(file));
    const isFault = session.code !== 2 || /should not have/.test(text);
    if (named === undefined || isFault) {
      this.violations.push(
        `ended by itself with ${session.signal ?? `code ${session.code}`}: ${session.stderr.slice(-600)}`,
      );
    }
    const undone = named ?? this.#damages[0];
    if (undone === undefined) return;
    this.#table.refusals++;
    writeFileSync(join(this.run, undone.file), undone.original);
    this.#damages.splice(this.#damages.indexOf(undone), 1);
  }
}
