"""Speed of LoRA with PEFT and TRL's SFTTrainer on a named shape: rank 16 beside all seven linear layers of a random Qwen3 in
fp32, conversations packed, the loss on their answers, nothing computed twice. One JSON object on one line.

    python3 lora.py --shape 7m --context 256 --threads 2
"""
import argparse
import json
import os
import statistics
import tempfile
import time

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import datasets
import peft
import torch
import transformers
import trl
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, TrainerCallback

from shapes import LORA_SHAPES, conversation
from train import peak_rss_mib

IMPORT_RSS_MIB = peak_rss_mib()
WARM_UP_STEPS, MOST_STEPS, MOST_SECONDS = 2, 20, 20  # as src/bench/lora.ts


def model_of(shape, dtype):
    config = Qwen3Config(
        vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.groups,
        head_dim=shape.head, max_position_embeddings=shape.columns, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=0, pad_token_id=1,
    )
    torch.set_default_dtype(dtype)
    model = Qwen3ForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    count = sum(p.numel() for p in model.parameters())
    assert count == shape.parameters, f"{count} parameters instead of {shape.parameters}"
    return model


def tokenizer_of(shape):
    vocabulary = {"<end>": 0, "<pad>": 1, **{f"w{i}": i for i in range(2, shape.vocabulary)}}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>")), eos_token="<end>", pad_token="<pad>",
    )


def rows_of(shape, count):
    lengths = [conversation(i, shape.columns) for i in range(count)]
    draw = torch.Generator().manual_seed(1)
    return datasets.Dataset.from_list([
        {
            "input_ids": torch.randint(2, shape.vocabulary, (prompt + answer,), generator=draw).tolist(),
            "completion_mask": [0] * prompt + [1] * answer,
        }
        for prompt, answer in lengths
    ])


class Clock(TrainerCallback):
    """When each step has ended; it ends the training when enough of them are timed."""

    def __init__(self, steps):
        self.steps, self.at = steps, []

    def on_step_end(self, args, state, control, **_):
        self.at.append(time.perf_counter())
        timed = len(self.at) - WARM_UP_STEPS
        if timed < 1:
            return
        enough = timed >= MOST_STEPS or self.at[-1] - self.at[WARM_UP_STEPS - 1] > MOST_SECONDS
        if timed >= self.steps if self.steps else enough:
            control.should_training_stop = True


class Counted(trl.SFTTrainer):
    """Tokens of each step, and those whose prediction counts."""

    counts = []

    def training_step(self, model, inputs, *rest):
        labels = inputs["labels"]
        mask = inputs.get("attention_mask")
        tokens = labels.numel() if mask is None else int(mask.sum())
        self.counts.append((tokens, int((labels != -100).sum())))
        return super().training_step(model, inputs, *rest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=LORA_SHAPES, default="7m")
    parser.add_argument("--context", type=int, help="tokens of a row; the batch keeps about as many")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rows", type=int, default=2000, help="conversations")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--packing", choices=["bfd", "wrapped"], default="bfd")
    parser.add_argument("--base", choices=["fp32", "bf16"], default="fp32", help="how frozen weights are held")
    parser.add_argument("--rows-at-a-time", type=int, default=1, help="their gradients are added up to those of the batch")
    parser.add_argument("--steps", type=int, help="timed steps; without it as many as fit 20 seconds, up to 20; 0: an epoch")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    shape = LORA_SHAPES[options.shape]
    if options.context:
        shape = shape.with_batch_of(options.context)
    model = model_of(shape, torch.float32 if options.base == "fp32" else torch.bfloat16)
    clock = Clock(None if options.steps is None else options.steps or 10**9)
    at_a_time = min(options.rows_at_a_time, shape.rows)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Counted(
            model=model,
            args=trl.SFTConfig(
                output_dir=folder, num_train_epochs=1, per_device_train_batch_size=at_a_time,
                gradient_accumulation_steps=shape.rows // at_a_time, max_length=shape.columns, packing=True,
                packing_strategy=options.packing, completion_only_loss=True, gradient_checkpointing=False, bf16=False,
                use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True,
                learning_rate=2e-4, lr_scheduler_type="constant",
            ),
            train_dataset=rows_of(shape, options.rows),
            processing_class=tokenizer_of(shape),
            callbacks=[clock],
            peft_config=peft.LoraConfig(
                r=options.rank, lora_alpha=2 * options.rank, lora_dropout=0.0, task_type="CAUSAL_LM",
                target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            ),
        )
        trainer.train()
    each = shape.rows // at_a_time
    counts = [
        tuple(map(sum, zip(*Counted.counts[i:i + each]))) for i in range(0, len(Counted.counts), each)
    ][WARM_UP_STEPS:len(clock.at)]
    times = [b - a for a, b in zip(clock.at[WARM_UP_STEPS - 1:], clock.at[WARM_UP_STEPS:])]
    seconds = statistics.median(s / t for s, (t, _) in zip(times, counts))
    tokens = sum(sum(conversation(i, shape.columns)) for i in range(options.rows))
    print(json.dumps({
        "shape": options.shape,
        "rank": options.rank,
        "base": options.base,
        "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__, "trl": trl.__version__,
        "threads": torch.get_num_threads(),
        "parameters": shape.parameters,
        "trained": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
        "conversations": options.rows,
        "tokens": tokens,
        "countedTokens": sum(conversation(i, shape.columns)[1] for i in range(options.rows)),
        "steps": len(times),
        "meanTokensPerStep": statistics.mean(t for t, _ in counts),
        "meanCountedPerStep": statistics.mean(c for _, c in counts),
        "tokensPerSecond": 1 / seconds,
        "epochSeconds": tokens * seconds,
        "peakRssMiB": peak_rss_mib(),
        "importRssMiB": IMPORT_RSS_MIB,
    }))


if __name__ == "__main__":
    main()
