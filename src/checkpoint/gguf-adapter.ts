// An adapter as a GGUF file beside its base's, which llama.cpp applies as it runs (`--lora`): names and layout are those of its own
// converter (convert_lora_to_gguf.py). It knows one alpha for all matrices, so scales of their own are multiplied into B.
import { decoderTable } from '../architecture/parameters.js';
import { UserError } from '../base/errors.js';
import type { AdapterAlone } from './adapter-export.js';
import type { AdapterPair } from './adapter-tensors.js';
import type { FloatDtype } from './float16.js';
import { halvesRow } from './gguf.js';
import { type MetadataValue, type TensorSource, writeGgufFile } from './gguf-write.js';

/**
 * Writes an adapter as GGUF v3. llama.cpp multiplies B · A by alpha / rank: alpha is chosen so that this is the adapter's own
 * scale, with rsLoRA too.
 * @throws UserError naming what such a file cannot hold.
 */
export async function writeGgufAdapter(
  path: string,
  alone: AdapterAlone,
  { dtype, name }: { dtype: FloatDtype; name: string },
): Promise<void> {
  refuseWhatGgufCannotHold(alone);
  const { config, model } = alone;
  // 0 would stand for a scale of 1.
  const alpha = config.alpha * (config.rslora ? Math.sqrt(config.rank) : 1) || 1;
  const metadata: [string, MetadataValue][] = [
    ['general.architecture', { type: 'string', value: model.model_type }],
    ['general.type', { type: 'string', value: 'adapter' }],
    ['general.name', { type: 'string', value: name }],
    ['general.quantization_version', { type: 'uint32', value: 2 }],
    ['adapter.type', { type: 'string', value: 'lora' }],
    ['adapter.lora.alpha', { type: 'float32', value: alpha }],
  ];
  await writeGgufFile(path, metadata, tensorSources(alone, Math.fround(alpha), dtype), { replace: false });
}

/** What its loader refuses, or worse, passes over. */
function refuseWhatGgufCannotHold({ config, model, tensors, path }: AdapterAlone): void {
  const refuse = (what: string, why: string): never => {
    const next = 'Merge it into the base: mossctl export ADAPTER --merge --format gguf --out FILE';
    throw new UserError({ what: `${what} cannot be written as a GGUF adapter`, where: path, why, next });
  };
  if (config.task === 'SEQ_CLS') {
    throw new UserError({
      what: 'the adapter of a reward model cannot be written as GGUF',
      where: path,
      why: 'it has a score head, and GGUF no place for it',
      next: 'Export it with --format hf',
    });
  }
  if (config.dora) refuse('DoRA', 'llama.cpp adds B · A, and does not bring rows to a norm');
  const [whole] = [...tensors.whole].find(([, { isBase }]) => !isBase) ?? [];
  if (whole !== undefined)
    refuse(`${whole}, which this adapter has of its own,`, 'such a file holds pairs of matrices alone');
  const [rows] = tensors.rows.keys();
  if (rows !== undefined) refuse(`rows of single tokens (${rows})`, 'such a file holds pairs of matrices alone');
  const end = ['lm_head', 'model.embed_tokens'].find((module) => tensors.pairs.has(module));
  if (model.tie_word_embeddings && end !== undefined) {
    refuse(
      `an adapter on ${end} of a tied base`,
      'llama.cpp would apply it to the embedding and to the output projection',
    );
  }
}

function tensorSources({ plan, tensors, model }: AdapterAlone, alpha: number, dtype: FloatDtype): TensorSource[] {
  return decoderTable(model).flatMap(({ name, gguf, rotary, part }): TensorSource[] => {
    const module = name.slice(0, -'.weight'.length);
    const [pair, size] = [tensors.pairs.get(module), plan.modules.get(module)];
    if (pair === undefined || size === undefined || gguf === undefined) return [];
    const { a, b } = pair as Required<AdapterPair>;
    const factor = (size.scale * size.rank) / alpha;
    // Of an embedding, a row of A for each token.
    const first = part === 'embedding' ? transposed(a.data, a.shape) : a.data;
    const second = Math.abs(factor - 1) < 1e-7 ? b.data : b.data.map((value) => value * factor);
    const turned = model.model_type === 'llama' && rotary;
    const sourceRow = (row: number): number => halvesRow(row, model.head_dim);
    const shapes = part === 'embedding' ? [[a.shape[1], a.shape[0]], b.shape] : [a.shape, b.shape];
    return [
      { name: `${gguf}.lora_a`, from: a.name, shape: shapes[0], dtype, data: first },
      { name: `${gguf}.lora_b`, from: b.name, shape: shapes[1], dtype, data: second, ...(turned && { sourceRow }) },
    ];
  });
}

function transposed(data: Float32Array, [rows, columns]: readonly number[]): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}
