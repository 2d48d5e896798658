// Which model is asked, what it is, what it is compared with, and how it samples.

import { useState } from 'preact/hooks';
import { formatShort } from '../base/format.js';
import type { ServedModel, Session } from '../serve/contract.js';
import type { ChatSettings } from './chat-store.js';
import type { Sampling } from './conversation.js';
import { stageWords, type Words } from './words.js';

interface ModelBarProps {
  session: Session;
  words: Words;
  model: string;
  onModel: (id: string) => void;
  settings: ChatSettings;
  onSettings: (settings: ChatSettings) => void;
}

/** More than this many are a list to choose from. */
const maxSegments = 4;

export function ModelBar({ session, words, model, onModel, settings, onSettings }: ModelBarProps) {
  const { models } = session;
  const served = models.find(({ id }) => id === model) ?? models[0];
  return (
    <div class="setup">
      <div class="setup-row">
        {models.length > maxSegments ? (
          <select aria-label={words.chat.model} value={model} onChange={(event) => onModel(event.currentTarget.value)}>
            {models.map((each) => (
              <option key={each.id} value={each.id}>
                {modelName(words, each, models)}
              </option>
            ))}
          </select>
        ) : (
          <fieldset class="segments">
            <legend class="hidden">{words.chat.model}</legend>
            {models.map((each) => (
              <label key={each.id}>
                <input
                  type="radio"
                  name="model"
                  value={each.id}
                  checked={each.id === model}
                  onChange={() => onModel(each.id)}
                />
                <span class="choice-name">{modelName(words, each, models)}</span>
              </label>
            ))}
          </fieldset>
        )}
        <Compare {...{ words, models, served, settings, onSettings }} />
      </div>
      <p class="soft about">{stageWords(words, served.stage).is}</p>
      <Settings {...{ words, served, settings, onSettings }} />
    </div>
  );
}

interface CompareProps {
  words: Words;
  models: readonly ServedModel[];
  served: ServedModel;
  settings: ChatSettings;
  onSettings: (settings: ChatSettings) => void;
}

function Compare({ words, models, served, settings, onSettings }: CompareProps) {
  const change = (second: string): void => onSettings({ ...settings, second: second === '' ? undefined : second });
  return (
    <label class="inline">
      <span>{words.chat.compareWith}</span>
      <select value={settings.second ?? ''} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">{words.chat.compareOff}</option>
        {models.map((each) => (
          <option key={each.id} value={each.id}>
            {secondName(words, each, served.id, models)}
          </option>
        ))}
      </select>
    </label>
  );
}

interface SettingsProps {
  words: Words;
  served: ServedModel;
  settings: ChatSettings;
  onSettings: (settings: ChatSettings) => void;
}

function Settings({ words, served, settings, onSettings }: SettingsProps) {
  const { chat } = words;
  const { sampling } = settings;
  const size = served.parameters === undefined ? [] : [words.parameters(formatShort(served.parameters))];
  const facts = [served.id, ...size, words.context(served.contextLength)];
  const sample = (name: keyof Sampling) => (value: number | undefined) => {
    const { [name]: _, ...rest } = sampling;
    onSettings({ ...settings, sampling: value === undefined ? rest : { ...rest, [name]: value } });
  };
  return (
    <details class="settings">
      <summary>{chat.settings}</summary>
      <p class="soft facts-line">{facts.join(' · ')}</p>
      <div class="fields">
        <NumberField
          {...{ words, label: chat.temperature, value: sampling.temperature, min: 0, max: 10, step: 0.1 }}
          hint={chat.temperatureHelp}
          placeholder={chat.byModel}
          onValue={sample('temperature')}
        />
        <NumberField
          {...{ words, label: chat.topP, value: sampling.topP, min: 0.01, max: 1, step: 0.01 }}
          placeholder={chat.byModel}
          onValue={sample('topP')}
        />
        <NumberField
          {...{
            words,
            label: chat.maxNewTokens,
            value: settings.maxNewTokens,
            min: 1,
            max: served.contextLength,
            step: 1,
          }}
          placeholder={chat.byModel}
          onValue={(maxNewTokens) => onSettings({ ...settings, maxNewTokens })}
        />
        <NumberField
          {...{ words, label: chat.seed, value: settings.seed, min: 0, max: 0xffffffff, step: 1 }}
          hint={chat.seedHelp}
          onValue={(seed) => onSettings({ ...settings, seed })}
        />
        {served.tools.length > 0 ? (
          <label class="check">
            <input
              type="checkbox"
              checked={settings.tools}
              onChange={(event) => onSettings({ ...settings, tools: event.currentTarget.checked })}
            />
            <span>
              {chat.tools}: <span class="soft">{served.tools.join(', ')}</span>
            </span>
          </label>
        ) : (
          <p class="soft check">{chat.noTools}</p>
        )}
      </div>
    </details>
  );
}

interface NumberFieldProps {
  words: Words;
  label: string;
  value: number | undefined;
  min: number;
  max: number;
  step: number;
  hint?: string;
  placeholder?: string;
  onValue: (value: number | undefined) => void;
}

/** Says its bounds. What is no number within them is marked and said, with what is asked with meanwhile. */
function NumberField({ words, label, value, min, max, step, hint, placeholder = '', onValue }: NumberFieldProps) {
  const [isValid, setValid] = useState(true);
  const [low, high] = [min, max].map((bound) => bound.toLocaleString('en'));
  const { between, invalid, unset } = words.chat;
  const isOutside = value !== undefined && value > max; // of another model, whose context is longer
  const used = value === undefined ? placeholder || unset : String(value);
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        {...{ min, max, placeholder }}
        step={step === 1 ? 1 : 'any'}
        defaultValue={value === undefined ? '' : String(value)} // what is typed stays, valid or not
        aria-invalid={!isValid || isOutside}
        onInput={({ currentTarget: { validity, valueAsNumber } }) => {
          setValid(validity.valid);
          if (validity.valid) onValue(Number.isNaN(valueAsNumber) ? undefined : valueAsNumber);
        }}
      />
      <small class={isValid && !isOutside ? 'soft' : 'fault'} aria-live="polite">
        {isValid && !isOutside
          ? [between(low, high), ...(hint === undefined ? [] : [hint])].join(' · ')
          : invalid(low, high, used)}
      </small>
    </label>
  );
}

/** Its stage; of several models of a stage only the first is called by it, the others by their ids. */
export function modelName(words: Words, { id, stage }: ServedModel, models: readonly ServedModel[]): string {
  const isFirst = models.find((each) => each.stage === stage)?.id === id;
  return isFirst && Object.hasOwn(words.stages, stage) ? stageWords(words, stage).name : id;
}

/** Of a model that a first answer is compared with. */
export function secondName(words: Words, served: ServedModel, first: string, models: readonly ServedModel[]): string {
  return served.id === first ? words.chat.anotherSeed : modelName(words, served, models);
}
