// A model behind an endpoint as stages ask it: every request and reply stands in a ledger that outlives the stage, thoughts are cut
// off, and in the end it says what was asked and what that cost.
import { countOf, formatCount } from '../base/format.js';
import type { EndpointConfig } from '../config/endpoint.js';
import { type EndpointTerms, OpenAiEndpoint } from '../inference/endpoint.js';
import { JsonModel } from '../inference/json-model.js';
import { type RecordedModel, Recording } from '../inference/recording.js';
import { dollars, type LedgerTotals, type ReplyCost, RequestLedger } from '../inference/request-ledger.js';
import { SpokenModel } from '../inference/thoughts.js';
import type { StageReporter } from '../report/event.js';

export interface AskedEndpoint {
  model: RecordedModel;
  /** What its replies took, in their order; it grows. */
  costs: readonly ReplyCost[];
  /** Ends the ledger, and says what was asked and what that cost. */
  close(): Promise<void>;
}

interface LedgerPlace extends Pick<EndpointTerms, 'block' | 'isInList'> {
  /** The file of its requests and replies. */
  path: string;
  reporter: StageReporter;
}

export function openLedger(
  { prices, budgetUsd, budgetTokens }: Pick<EndpointConfig, 'prices' | 'budgetUsd' | 'budgetTokens'>,
  { path, reporter, ...place }: LedgerPlace,
): Promise<RequestLedger> {
  return RequestLedger.open(path, {
    ...place,
    prices,
    budget: { usd: budgetUsd, tokens: budgetTokens },
    warn: (text, isIncomplete) => reporter.note('warning', text, isIncomplete ? { incomplete: path } : {}),
  });
}

/** @throws UserError where its address or key cannot be used. */
export async function openEndpoint(
  config: EndpointConfig & { model: string },
  { terms, path, reporter }: { terms: EndpointTerms } & Pick<LedgerPlace, 'path' | 'reporter'>,
): Promise<AskedEndpoint> {
  const { request = {} } = config;
  const { role, block, isInList } = terms;
  const say = (text: string): void => reporter.note('info', role === 'judge' ? `judge: ${text}` : `teacher: ${text}`);
  const ledger = await openLedger(config, { block, isInList, path, reporter });
  try {
    const before = ledger.totals();
    const endpoint = new OpenAiEndpoint({
      ...config,
      terms,
      ledger,
      onRetry: (reason, wait) =>
        reporter.note('warning', `the ${role}'s endpoint ${reason}; trying again in ${wait} s`),
      onAdapt: (what) => reporter.note('info', `the ${role}'s endpoint ${what}`),
    });
    const recording = new Recording(endpoint, ledger);
    const close = async (): Promise<void> => {
      await ledger.close();
      const { asked, replayed } = recording.counts;
      if (endpoint.redacted > 0)
        reporter.note('warning', `redacted a key ${endpoint.redacted} times in what the ${role}'s endpoint answered`);
      say(`${asked} answers from ${endpoint.url}, ${replayed} from an earlier try`);
      for (const text of expenses(before, ledger.totals())) say(text);
    };
    const spoken = new SpokenModel(recording, {
      // What continues text thinks nothing: what runs into the limit only does not end.
      hasOwnLimit: config.api === 'completions' || 'max_tokens' in request || 'max_completion_tokens' in request,
      note: say,
    });
    const model = config.jsonMode === undefined ? spoken : new JsonModel(spoken);
    return { model, costs: recording.costs, close };
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

/** What all requests of the ledger took, and those of this run. */
function expenses(before: LedgerTotals, all: LedgerTotals): string[] {
  const tokens = ({ tokens: { input, output } }: LedgerTotals): number => input + output;
  const ends = [
    `${formatCount(all.answered)} answered`,
    ...(all.lost > 0 ? [`${formatCount(all.lost)} whose answer was lost (counted in full)`] : []),
    ...(all.unsent > 0 ? [`${formatCount(all.unsent)} that never left`] : []),
  ];
  const cost = all.usd === undefined ? '' : `, ${dollars(all.usd)}`;
  const here = formatCount(tokens(all) - tokens(before));
  const ofThis = before.sent > 0 ? ` (${here} of them now)` : '';
  return [
    `${countOf(all.sent, 'request')} in the ledger: ${ends.join(', ')}; ${formatCount(tokens(all))} tokens${ofThis}${cost}`,
  ];
}
