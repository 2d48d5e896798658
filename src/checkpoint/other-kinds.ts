// What a path holds that is neither a checkpoint nor a model folder, known by its files: an adapter, the folder of a trainer, the
// Hub's cache, weights in another format, a model of another kind. Each is named, with what to type next. Nothing is
// opened but a few bytes and one small JSON.
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type Fault, UserError } from '../base/errors.js';
import { exists } from '../base/files.js';
import {
  adapterConfigName,
  adapterWeightsName,
  configName,
  generationConfigName,
  manifestName,
  tokenizerJsonName,
  weightsIndexName,
  weightsName,
} from '../base/layout.js';
import { shellQuoted } from '../base/shell.js';
import { hubs, nearModelName } from '../network/model-name.js';

/** Of names in a message. */
const maxShown = 5;

interface Folder {
  path: string;
  /** Of what lies in it. */
  names: readonly string[];
}

type Finder = (folder: Folder) => Promise<Fault | undefined> | Fault | undefined;

/** @throws UserError for a folder that has a config.json, but is no model that can be opened. */
export async function refuseOtherKind(path: string): Promise<void> {
  const names = await namesIn(path);
  const hasWeights = names.includes(weightsName) || names.includes(weightsIndexName);
  const fault = await firstFault({ path, names }, hasWeights ? disguised : [...disguised, ...elsewhere]);
  if (fault !== undefined) throw new UserError({ where: path, ...fault });
}

/** What a path without a checkpoint or a whole model is; undefined where nothing is known of it. */
export async function describeOtherKind(path: string): Promise<UserError | undefined> {
  const fault = (await isFolder(path))
    ? await firstFault({ path, names: await namesIn(path) }, [...disguised, ...elsewhere, incomplete])
    : (await exists(path))
      ? await fileFault(path)
      : await absentFault(path);
  return fault && new UserError({ where: path, ...fault });
}

async function firstFault(folder: Folder, candidates: readonly Finder[]): Promise<Fault | undefined> {
  for (const find of candidates) {
    const fault = await find(folder);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** An adapter whose own weights are not read, or that lies beside a whole model. */
const adapter: Finder = ({ path, names }) => {
  if (!names.includes(adapterConfigName)) return undefined;
  const isBeside = names.includes(weightsName) || names.includes(weightsIndexName);
  if (isBeside) {
    return {
      what: 'this folder holds an adapter (PEFT) and a whole model',
      why: 'whether the one is merged into the other cannot be known',
      next: `If they are merged, move ${adapterConfigName} away; if not, move it and ${adapterWeightsName} into a folder of their own`,
    };
  }
  if (names.includes(adapterWeightsName)) return undefined;
  const pickled = names.find((name) => /^adapter_model.*\.(bin|pth?)$/.test(name));
  if (pickled !== undefined) {
    return {
      ...pickle,
      where: join(path, pickled),
      next: 'Convert it with Python: PeftModel.from_pretrained(…) and then save_pretrained(…) write adapter_model.safetensors',
    };
  }
  return {
    what: 'this is an adapter (PEFT) without its weights',
    why: `it has ${adapterConfigName}, and no ${adapterWeightsName}`,
    next: 'Fetch the whole folder again, or save the adapter again',
  };
};

const diffusers: Finder = ({ names }) =>
  names.includes('model_index.json')
    ? {
        what: 'this is a pipeline of the diffusers library, not a language model',
        why: 'it has a model_index.json',
        next: 'Use a Llama, Qwen2 or Qwen3 model',
      }
    : undefined;

const sentences: Finder = ({ names }) => {
  const name = names.find((each) => ['modules.json', 'config_sentence_transformers.json'].includes(each));
  if (name === undefined) return undefined;
  return {
    what: 'this is a sentence-transformers model: it makes embeddings of texts and writes none',
    why: `it has a ${name}`,
    next: 'Use the language model that it was made from',
  };
};

/** `checkpoint-100` and the like, the last one first. */
const trainer: Finder = ({ path, names }) => {
  const found = names
    .flatMap((name) => (/^checkpoint-\d{1,12}$/.test(name) ? [{ name, step: Number(name.slice(11)) }] : []))
    .sort((a, b) => b.step - a.step)
    .map(({ name }) => name);
  if (found.length === 0) return undefined;
  return {
    what: 'this is the folder of a trainer: the models lie in its checkpoints',
    why: `they are ${listed([...found].reverse())}`,
    next: `Name one of them, such as the latest: ${join(path, found[0])}`,
  };
};

/** `models--org--name` of the Hub's cache: refs/main holds the hash of the snapshot that it last fetched. */
const hubCache: Finder = async ({ path, names }) => {
  const models = names.filter((name) => name.startsWith('models--'));
  if (models.length > 0) {
    const below = await modelsNear(path);
    return {
      what: 'this is the cache of the Hugging Face Hub, and not one model of it',
      why: `it holds ${listed(models)}`,
      next: below.length > 0 ? `Name a snapshot: ${below.join(', ')}` : 'Name a model as the hub does: hf:ORG/NAME',
    };
  }
  if (!names.includes('snapshots')) return undefined;
  const snapshots = await namesIn(join(path, 'snapshots'));
  const main = await readFile(join(path, 'refs', 'main'), 'utf8').catch(() => '');
  const chosen = snapshots.find((name) => name === main.trim()) ?? snapshots.at(-1);
  return {
    what: 'this is a cache of the Hugging Face Hub: the model lies in a snapshot below it',
    next:
      chosen === undefined
        ? 'It has no snapshot yet. Name the model as the hub does: hf:ORG/NAME'
        : `Name ${chosen === main.trim() ? 'its snapshot' : 'a snapshot'}: ${join(path, 'snapshots', chosen)}`,
  };
};

const distributed: Finder = ({ path, names }) => {
  const isZero = names.some((name) => name === 'zero_to_fp32.py' || /^global_step\d+$/.test(name));
  const shards = names.find((name) => name.endsWith('.distcp') || /^pytorch_model_fsdp_\d+$/.test(name));
  if (!isZero && shards === undefined) return undefined;
  const whole = shellQuoted(`${path}-whole`);
  const folder = shards === undefined || shards.endsWith('.distcp') ? path : join(path, shards);
  return {
    what: `these weights are divided among processes, as ${isZero ? 'DeepSpeed' : 'FSDP'} saves them`,
    next: isZero
      ? `Join them: python ${shellQuoted(join(path, 'zero_to_fp32.py'))} ${shellQuoted(path)} ${whole} --safe_serialization. Put config.json and the tokenizer beside them`
      : `Join them: accelerate merge-weights ${shellQuoted(folder)} ${whole}. Put config.json and the tokenizer beside them`,
  };
};

/** Weights in a format that is not read. */
const otherWeights: Finder = ({ path, names }) => {
  const found = (pattern: RegExp): string | undefined => names.find((name) => pattern.test(name));
  const pickled = found(/^(pytorch_model|consolidated|model|flax_model|adapter_model).*\.(bin|pth?|ckpt)$/);
  const gguf = found(/\.gguf$/i);
  const onnx = found(/\.onnx$/) ?? found(/^onnx$/);
  const foreign = found(/\.(h5|msgpack|npz|tflite|mlmodel|mlpackage)$/);
  const safetensors = names.filter((name) => name.endsWith('.safetensors'));
  const sharded = safetensors.find((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name));
  if (pickled !== undefined) return { ...pickle, where: join(path, pickled) };
  if (sharded !== undefined) {
    return {
      what: `the weights are in several files, but ${weightsIndexName} is missing`,
      why: `it says which tensor is in which; there are ${listed(safetensors)}`,
      next: `Fetch ${weightsIndexName} from where these files come from`,
    };
  }
  if (safetensors.length === 1 && safetensors[0] !== weightsName && names.includes(configName)) {
    return {
      what: `the weights are not called ${weightsName}`,
      why: `there is only ${safetensors[0]}`,
      next: `If these are the weights of the whole model, rename them: mv ${[safetensors[0], weightsName].map((name) => shellQuoted(join(path, name))).join(' ')}`,
    };
  }
  if (gguf !== undefined) return ggufFault(join(path, gguf));
  if (onnx !== undefined) return { ...exported, why: `it has ${onnx}` };
  return foreign === undefined ? undefined : { ...exported, why: `it has ${foreign}` };
};

/** A part of a model folder. */
const incomplete: Finder = async ({ path, names }) => {
  const parts = [configName, weightsName, weightsIndexName, tokenizerJsonName].filter((name) => names.includes(name));
  const hasWeights = names.includes(weightsName) || names.includes(weightsIndexName);
  if (parts.length === 0 || (hasWeights && names.includes(configName))) return undefined;
  const below = await modelsNear(path);
  return {
    what: `this model folder has no ${hasWeights ? configName : 'weights'}`,
    why: `it has ${parts.join(' and ')}${hasWeights ? '' : `, but no ${weightsName}, nor shards with ${weightsIndexName}`}`,
    next:
      below.length > 0
        ? `Name one of these: ${below.join(', ')}`
        : 'Name it as the hub does, and it is fetched whole: hf:ORG/NAME',
  };
};

/** What may have a config.json and weights beside it. */
const disguised: readonly Finder[] = [adapter, diffusers, sentences];
/** Where the weights are elsewhere, or in another format. */
const elsewhere: readonly Finder[] = [trainer, hubCache, distributed, otherWeights];

const pickle: Fault = {
  what: 'these weights are a Python pickle, which is a program and not only numbers',
  why: `only safetensors files are read (${weightsName}, or shards with ${weightsIndexName})`,
  next: "Convert it with Python: transformers' from_pretrained(…) and then save_pretrained(…) write safetensors",
};
const exported: Fault = {
  what: 'this is a model exported for another library',
  next: 'Use the model folder that it was made from, with config.json, safetensors and tokenizer.json',
};

function ggufFault(path: string): Fault {
  return {
    what: 'this is a GGUF file, which is written here but not read as a model',
    why: `only its header is read: mossctl inspect ${shellQuoted(path)} shows it`,
    next: `Use the model folder that ${basename(path)} was made from, with config.json, safetensors and tokenizer.json`,
  };
}

async function fileFault(path: string): Promise<Fault> {
  const [name, folder] = [basename(path), dirname(path)];
  const start = await firstBytes(path);
  const kind = extname(name).toLowerCase();
  if (start.startsWith('GGUF') || kind === '.gguf') return ggufFault(path);
  if (['.zip', '.tar', '.gz', '.tgz', '.zst', '.7z', '.xz'].includes(kind)) {
    return { what: 'this is an archive', next: 'Unpack it, and name the folder with config.json in it' };
  }
  if (['.bin', '.pt', '.pth', '.ckpt'].includes(kind)) return pickle;
  if (['.onnx', '.h5', '.msgpack', '.npz', '.tflite'].includes(kind)) return exported;
  const known = [
    configName,
    tokenizerJsonName,
    manifestName,
    weightsIndexName,
    adapterConfigName,
    generationConfigName,
  ];
  if (kind !== '.safetensors' && !known.includes(name)) {
    return { what: 'this is not a mossctl checkpoint', why: 'this is a file; a checkpoint is a folder' };
  }
  const names = await namesIn(folder);
  if (names.includes(configName) || names.includes(manifestName) || names.includes(adapterConfigName)) {
    return { what: 'this is a file of a model', next: `Name its folder: ${folder}` };
  }
  return {
    what: 'this is a file of a model',
    why: `a model folder has ${configName} and ${tokenizerJsonName} beside the weights`,
    next: 'Name it as the hub does, and it is fetched whole: hf:ORG/NAME',
  };
}

/** Something like `Qwen/Qwen3-0.6B`, of which there is no first half here: a name on a hub. */
async function absentFault(path: string): Promise<Fault | undefined> {
  const meant = nearModelName(path);
  if (meant === undefined || (await exists(dirname(path)))) return undefined;
  return {
    what: 'this is not a mossctl checkpoint',
    why: 'there is nothing at this path',
    next: `If it is a model of ${meant.startsWith('ms:') ? hubs.ms : hubs.hf}, write ${shellQuoted(meant)}`,
  };
}

/** Checkpoints and models at most three folders below `path`, or below the folder that it is in; at most five. */
export async function modelsNear(path: string): Promise<string[]> {
  const found: string[] = [];
  let folders = (await isFolder(path)) ? await foldersIn(path) : [dirname(path)];
  for (let depth = 0; depth < 4 && found.length < maxShown; depth++) {
    const next: string[] = [];
    for (const folder of folders.slice(0, 200)) {
      const isModel = [manifestName, configName, adapterWeightsName].map((name) => exists(join(folder, name)));
      if ((await Promise.all(isModel)).includes(true)) found.push(folder);
      else next.push(...(await foldersIn(folder)));
    }
    folders = next;
  }
  return found.slice(0, maxShown);
}

/** Visible ones, the last by name first. */
export async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map((entry) => join(directory, entry.name))
    .sort()
    .reverse();
}

/** Or a link to one. */
async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

/** Eight bytes of a file, as latin1; none of anything else, such as a pipe, which may never give any. */
export async function firstBytes(path: string): Promise<string> {
  const isFile = (await stat(path).catch(() => undefined))?.isFile() ?? false;
  if (!isFile) return '';
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function listed(names: readonly string[]): string {
  return names.length > maxShown
    ? `${names.slice(0, maxShown).join(', ')}, … (${names.length} in all)`
    : names.join(', ');
}
