// A checkpoint made ready to speak: model, tokenizer and chat template, all from the one folder.
import { type Checkpoint, openCheckpoint } from '../checkpoint/directory.js';
import { disposeModel, type Model, modelFromTensors } from '../model/model.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';

export interface LoadedModel {
  checkpoint: Checkpoint;
  model: Model;
  tokenizer: Tokenizer;
  template: ChatTemplate;
}

/** Opens a checkpoint (step, stage or run folder, or `latest`) on the current backend; `verify` as for `openCheckpoint`. */
export async function loadModel(path: string, options: { verify?: boolean } = {}): Promise<LoadedModel> {
  return modelOf(await openCheckpoint(path, options));
}

export async function modelOf(checkpoint: Checkpoint): Promise<LoadedModel> {
  const tokenizer = await Tokenizer.open(checkpoint.path);
  const model = modelFromTensors(checkpoint.model, checkpoint.weights, checkpoint.path);
  return { checkpoint, model, tokenizer, template: new ChatTemplate(tokenizer) };
}

export function unload(loaded: LoadedModel): void {
  disposeModel(loaded.model);
}
