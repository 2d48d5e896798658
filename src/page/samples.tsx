// What a model in training says: the newest samples, and the earlier ones behind them, step by step.
import type { RunDetail } from '../serve/contract.js';
import type { Words } from './words.js';

type Sample = RunDetail['samples'][number];

interface SamplesProps {
  words: Words;
  samples: readonly Sample[];
  /** The run's name, where two are compared. */
  run?: string;
}

export function Samples({ words, samples, run }: SamplesProps) {
  const last = samples.at(-1)?.step;
  if (last === undefined) return null;
  const newest = samples.filter(({ step }) => step === last);
  const earlier = samples.filter(({ step }) => step !== last).reverse();
  const { watch } = words;
  return (
    <section>
      <h2>
        {watch.samples}{' '}
        <small class="soft">{[...(run === undefined ? [] : [run]), watch.atStep(last)].join(' · ')}</small>
      </h2>
      <div class="card">
        <List {...{ words }} samples={newest} />
        {earlier.length > 0 && (
          <details>
            <summary class="earlier">{watch.earlier(earlier.length)}</summary>
            {[...new Set(earlier.map(({ step }) => step))].map((step) => (
              <div key={step}>
                <p class="soft">{watch.atStep(step)}</p>
                <List {...{ words }} samples={earlier.filter((sample) => sample.step === step)} />
              </div>
            ))}
          </details>
        )}
      </div>
    </section>
  );
}

function List({ words, samples }: { words: Words; samples: readonly Sample[] }) {
  return (
    <dl class="samples">
      {samples.map(({ prompt, answer }, index) => (
        <div key={index}>
          <dt dir="auto">{prompt === '' ? words.watch.nothing : prompt}</dt>
          <dd dir="auto">{answer === '' ? words.watch.nothing : answer}</dd>
        </div>
      ))}
    </dl>
  );
}
