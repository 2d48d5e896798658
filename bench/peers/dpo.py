"""Speed of DPO with TRL's DPOTrainer on a named shape: all weights of a random Qwen3 in fp32, pairs of answers to a common
prompt, the reference beside the policy, nothing computed twice. One JSON object on one line.

    python3 dpo.py --shape 7m --context 256 --threads 2
"""
import argparse
import copy
import json
import os
import statistics
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import datasets
import torch
import transformers
import trl

from lora import WARM_UP_STEPS, Clock, model_of, tokenizer_of
from shapes import SHAPES, pair
from train import peak_rss_mib

IMPORT_RSS_MIB = peak_rss_mib()


def rows_of(shape, count):
    draw = torch.Generator().manual_seed(1)
    ids = lambda length: torch.randint(2, shape.vocabulary, (length,), generator=draw).tolist()
    return datasets.Dataset.from_list([
        dict(zip(("prompt_ids", "chosen_ids", "rejected_ids"), map(ids, pair(i, shape.columns)))) for i in range(count)
    ])


class Counted(trl.DPOTrainer):
    """Tokens of both answers of each micro-batch, each with its prompt."""

    counts = []

    def _prepare_dataset(self, dataset, *_):
        return dataset  # they are tokens already

    def training_step(self, model, inputs, *rest):
        self.counts.append((int(inputs["attention_mask"].sum()), int(inputs["completion_mask"].sum())))
        return super().training_step(model, inputs, *rest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="7m")
    parser.add_argument("--context", type=int, help="most tokens of a prompt and an answer")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16, help="pairs of a step")
    parser.add_argument("--pairs-at-a-time", type=int, default=1, help="their gradients are added up to those of the batch")
    parser.add_argument("--steps", type=int, help="timed steps; without it as many as fit 20 seconds, up to 20; 0: an epoch")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    shape = SHAPES[options.shape]
    if options.context:
        shape = shape.with_batch_of(options.context)
    model = model_of(shape, torch.float32)
    clock = Clock(None if options.steps is None else options.steps or 10**9)
    at_a_time = min(options.pairs_at_a_time, options.batch)
    each = options.batch // at_a_time
    with tempfile.TemporaryDirectory() as folder:
        trainer = Counted(
            model=model,
            ref_model=copy.deepcopy(model),
            args=trl.DPOConfig(
                output_dir=folder, num_train_epochs=1, per_device_train_batch_size=at_a_time,
                gradient_accumulation_steps=each, max_length=shape.columns, loss_type="sigmoid", beta=0.1,
                gradient_checkpointing=False, bf16=False, use_cpu=True, report_to="none", save_strategy="no",
                logging_strategy="no", disable_tqdm=True, learning_rate=1e-5, lr_scheduler_type="constant",
            ),
            train_dataset=rows_of(shape, options.pairs),
            processing_class=tokenizer_of(shape),
            callbacks=[clock],
        )
        trainer.train()
    times = [b - a for a, b in zip(clock.at[WARM_UP_STEPS - 1:], clock.at[WARM_UP_STEPS:])]
    counts = [
        tuple(map(sum, zip(*Counted.counts[i:i + each]))) for i in range(0, len(Counted.counts), each)
    ][WARM_UP_STEPS:len(clock.at)]
    lengths = [pair(i, shape.columns) for i in range(options.pairs)]
    tokens = sum(2 * prompt + chosen + rejected for prompt, chosen, rejected in lengths)
    seconds = statistics.median(s / t for s, (t, _) in zip(times, counts))
    print(json.dumps({
        "shape": options.shape,
        "torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__,
        "threads": torch.get_num_threads(),
        "parameters": shape.parameters,
        "pairs": options.pairs,
        "tokens": tokens,
        "countedTokens": sum(chosen + rejected for _, chosen, rejected in lengths),
        "pairsPerStep": options.batch, "pairsAtATime": at_a_time,
        "steps": len(times),
        "meanTokensPerStep": statistics.mean(t for t, _ in counts),
        "tokensPerSecond": 1 / seconds,
        "epochSeconds": tokens * seconds,
        "peakRssMiB": peak_rss_mib(),
        "importRssMiB": IMPORT_RSS_MIB,
    }))


if __name__ == "__main__":
    main()
