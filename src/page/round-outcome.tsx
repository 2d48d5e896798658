// What a round of alignment came to: promoted or not, why in the gate's own words, and the figures that decided.
import type { GateFigure, RoundEnd, RoundSummary } from '../serve/contract.js';
import { dateFormat } from './parts.js';
import { ResultsTable } from './results-table.js';
import type { Words } from './words.js';

interface RoundOutcomeProps {
  round: RoundSummary;
  words: Words;
  isBusy: boolean;
  onTry: (model: string) => void;
  onUndo: (id: string) => void;
}

export function RoundOutcome({ round: { id, state, began, end }, words, isBusy, onTry, onUndo }: RoundOutcomeProps) {
  const { feedback } = words;
  const model = end?.model;
  return (
    <>
      <h3>{state === 'running' ? feedback.starting : feedback.outcomes[state]}</h3>
      <p class="soft">{`${id} · ${dateFormat(words).format(new Date(began))}`}</p>
      {end !== undefined && <p class="why">{end.why}</p>}
      {end?.why.includes('α') && <p class="soft">{feedback.alpha}</p>}
      {end !== undefined && <Gate {...{ end, words }} />}
      {model !== undefined && (
        <p class="actions">
          <button type="button" class="primary" onClick={() => onTry(model)}>
            {feedback.tryIt}
          </button>
          <span class="soft">
            {feedback.servedAs} <code>{model}</code>
          </span>
          <button type="button" aria-disabled={isBusy} onClick={() => onUndo(id)}>
            {feedback.undoRound}
          </button>
        </p>
      )}
    </>
  );
}

function Gate({ end, words }: { end: RoundEnd; words: Words }) {
  const { before, after, gain } = words.feedback;
  const named = (column: string, figures: readonly GateFigure[] = []) => figures.map((each) => ({ ...each, column }));
  const gains = named(gain, end.gains).map((each) => ({ ...each, isGain: true }));
  const figures = [...named(before, end.before), ...named(after, end.after), ...gains];
  return figures.length === 0 ? null : <ResultsTable {...{ figures, words }} needsGain />;
}
