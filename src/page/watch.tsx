// Watch: the runs on this machine; of one, how far it is, its curves, what it says and what it measured; of two, the curves over
// each other.
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes, formatSeconds } from '../base/format.js';
import type { RunDetail, RunSummary } from '../serve/contract.js';
import type { Connection } from './connection.js';
import type { Problem } from './conversation.js';
import { type Chart, chartsOf } from './curve-data.js';
import { Curve } from './curves.js';
import { stageName } from './metric-words.js';
import { Fact, ProblemNote } from './parts.js';
import { type Figure, ResultsTable } from './results-table.js';
import { watchAddress } from './route.js';
import { Samples } from './samples.js';
import { useRun, useRuns } from './use-runs.js';
import type { Words } from './words.js';

interface WatchViewProps {
  connection: Connection;
  words: Words;
  /** Names of the runs that the address asks for. */
  run: readonly string[];
  onProblem: (problem: Problem) => void;
}

export function WatchView({ connection, words, run, onProblem }: WatchViewProps) {
  const { value: list, problem } = useRuns(connection);
  const runs = list?.runs;
  // Without a name in the address: the newest, and then the one that is being read, whatever starts meanwhile.
  const shown = useRef<string>();
  const isListed = (name: string | undefined): boolean => runs?.some((each) => each.name === name) ?? false;
  const name = run[0] ?? (isListed(shown.current) ? shown.current : runs?.[0]?.name);
  shown.current = name;
  const first = useRun(connection, name);
  const second = useRun(connection, run[1]);
  const problems = [problem, first.problem, second.problem].flatMap((each) => each ?? []);
  const lost = problems.find(({ isLost }) => isLost);
  useEffect(() => {
    if (lost !== undefined) onProblem(lost);
  }, [lost, onProblem]);
  const refusal = problems.find(({ isLost }) => !isLost);
  if (runs === undefined) {
    if (problem === undefined) return <p class="soft center">{words.loading}</p>;
    return problem.isLost ? null : <ProblemNote {...{ problem, words }} />; // that it is lost is said above the view
  }
  const isAbsent = refusal !== undefined && refusal === first.problem && !isListed(name);
  const refused = isAbsent ? words.watch.absent : refusal;
  if (runs.length === 0 || name === undefined)
    return (
      <section class="narrow">
        <h1>{words.watch.none}</h1>
        <p class="soft">{words.watch.noneNext}</p>
        <pre>mossctl run quickstart</pre>
      </section>
    );
  return (
    <div class="watch">
      <Runs {...{ runs, words, name }} more={list?.more} />
      <div class="run">
        <RunHead {...{ runs, words, name }} other={run[1]} />
        {refused && <ProblemNote problem={refused} words={words} />}
        {first.value === undefined && !refused && <p class="soft">{words.loading}</p>}
        {first.value !== undefined && (
          <RunView
            key={name}
            words={words}
            details={second.value === undefined ? [first.value] : [first.value, second.value]}
          />
        )}
      </div>
    </div>
  );
}

interface RunsProps {
  runs: readonly RunSummary[];
  words: Words;
  name: string;
  /** Older ones that there are beside these. */
  more: number | undefined;
}

function Runs({ runs, words, name, more }: RunsProps) {
  return (
    <nav class="runs" aria-label={words.watch.title}>
      <ul>
        {runs.map((each) => (
          <li key={each.name}>
            <a href={watchAddress(each.name)} {...(each.name === name && { 'aria-current': 'true' as const })}>
              <b>{each.name}</b>
              <small class={`state ${each.state}`}>
                {words.watch.states[each.state]}
                {each.stage !== undefined && each.state !== 'done' && ` · ${stageName(words, each.stage)}`}
              </small>
            </a>
          </li>
        ))}
        {more !== undefined && <li class="soft">{words.watch.moreRuns(more)}</li>}
      </ul>
    </nav>
  );
}

interface RunHeadProps {
  runs: readonly RunSummary[];
  words: Words;
  name: string;
  other: string | undefined;
}

function RunHead({ runs, words, name, other }: RunHeadProps) {
  const others = runs.filter((each) => each.name !== name);
  return (
    <div class="run-head">
      <h1>{name}</h1>
      {others.length > 0 && (
        <label class="inline">
          <span>{words.watch.compare}</span>
          <select
            value={other ?? ''}
            onChange={({ currentTarget: { value } }) => {
              location.hash = watchAddress(name, value === '' ? undefined : value);
            }}
          >
            <option value="">{words.watch.compareNone}</option>
            {others.map((each) => (
              <option key={each.name} value={each.name}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

/** `details`: of the run, and of the one it is compared with. */
function RunView({ words, details }: { words: Words; details: readonly RunDetail[] }) {
  const [chosen, setChosen] = useState<string>();
  const [detail] = details;
  const order = detail.stages.map(({ name }) => name);
  const rank = (stage: string): number => (order.includes(stage) ? order.indexOf(stage) : order.length);
  const stages = [
    ...new Set(details.flatMap(({ series, samples }) => [...series, ...samples].map(({ stage }) => stage))),
  ];
  stages.sort((a, b) => rank(a) - rank(b));
  const running = detail.stages.find(({ state }) => state === 'running')?.name;
  const newest = running !== undefined && stages.includes(running) ? running : detail.series.at(-1)?.stage;
  const stage = chosen ?? newest ?? stages[0];
  const names = details.map(({ name }) => name);
  const charts = stage === undefined ? [] : chartsOf(details, stage);
  const figures = details.flatMap(({ name, results }) =>
    results.map(({ checkpoint, ...rest }) => ({
      ...rest,
      column: details.length > 1 ? `${name} · ${checkpoint}` : checkpoint,
    })),
  );
  const choice = stages.length > 1 && (
    <fieldset key="stages" class="segments">
      <legend class="hidden">{words.watch.stage}</legend>
      {stages.map((each) => (
        <label key={each}>
          <input type="radio" name="stage" value={each} checked={each === stage} onChange={() => setChosen(each)} />
          <span class="choice-name" title={each}>
            {stageName(words, each)}
          </span>
        </label>
      ))}
    </fieldset>
  );
  const curves = <Curves key="curves" {...{ charts, words }} runs={names} />;
  const samples = details.map(({ name, samples: own }) => (
    <Samples
      key={name}
      words={words}
      samples={own.filter((sample) => sample.stage === stage)}
      {...(details.length > 1 && { run: name })}
    />
  ));
  const results = <Results key="results" {...{ figures, words }} />;
  return (
    <>
      <Progress {...{ detail, words }} />
      {/* Once it is done the page is a report: what came of it stands first. */}
      {detail.state === 'running' ? [choice, curves, samples, results] : [results, choice, samples, curves]}
      <Gaps {...{ details, words }} />
    </>
  );
}

interface CurvesProps {
  charts: readonly Chart[];
  words: Words;
  runs: readonly string[];
}

/** Those that say whether it learns, and behind a line those that say how. */
function Curves({ charts, words, runs }: CurvesProps) {
  const list = (some: readonly Chart[]) => (
    <div class="curves">
      {some.map((chart) => (
        <Curve key={`${chart.metric} ${chart.series[0]?.name}`} {...{ chart, words, runs }} />
      ))}
    </div>
  );
  const more = charts.filter(({ isDetail }) => isDetail);
  return (
    <section aria-label={words.watch.curves}>
      {charts.length === 0 ? (
        <p class="soft">{words.watch.noCurves}</p>
      ) : (
        <div class="card">
          {list(charts.filter(({ isDetail }) => !isDetail))}
          {more.length > 0 && (
            <details class="parts">
              <summary>{words.watch.moreCurves(more.length)}</summary>
              {list(more)}
            </details>
          )}
        </div>
      )}
    </section>
  );
}

function Results({ figures, words }: { figures: readonly Figure[]; words: Words }) {
  if (figures.length === 0) return null;
  return (
    <section>
      <h2>{words.watch.results}</h2>
      {figures.some(({ low }) => low !== undefined) && <p class="soft">{words.watch.intervals}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keys */}
      <section class="card scroll" aria-label={words.watch.results} tabIndex={0}>
        <ResultsTable {...{ figures, words }} />
      </section>
    </section>
  );
}

/** What is not shown, in words. */
function Gaps({ details, words: { watch } }: { details: readonly RunDetail[]; words: Words }) {
  const gaps = details.flatMap(({ moreSeries = 0, moreSamples = 0, broken = 0 }) => [
    ...(moreSeries > 0 ? [watch.moreSeries(moreSeries)] : []),
    ...(moreSamples > 0 ? [watch.moreSamples(moreSamples)] : []),
    ...(broken > 0 ? [watch.broken(broken)] : []),
  ]);
  return gaps.length === 0 ? null : <p class="soft">{gaps.join(' ')}</p>;
}

/** How far the run is: its stages, the time, and what it takes of the machine. */
function Progress({ detail, words }: { detail: RunDetail; words: Words }) {
  const { stages, eta, machine, state } = detail;
  const seconds = stages.reduce((sum, stage) => sum + (stage.seconds ?? 0), 0);
  const { watch } = words;
  return (
    <>
      <ol class="stages">
        {stages.map((stage) => (
          <li key={stage.name} class={`state ${stage.state}`}>
            <b title={stage.name}>{stageName(words, stage.name)}</b>{' '}
            <small>
              {watch.states[stage.state]}
              {stage.seconds !== undefined && ` · ${formatSeconds(stage.seconds)}`}
            </small>
          </li>
        ))}
      </ol>
      <dl class="facts">
        {state === 'running' && eta !== undefined && <Fact name={watch.eta}>{formatSeconds(eta)}</Fact>}
        {seconds > 0 && <Fact name={state === 'running' ? watch.elapsed : watch.took}>{formatSeconds(seconds)}</Fact>}
        {machine !== undefined && <Fact name={watch.memory}>{formatBytes(machine.rss)}</Fact>}
        {machine !== undefined && <Fact name={watch.cpu}>{watch.cores(machine.cpu.toFixed(1))}</Fact>}
      </dl>
    </>
  );
}
