"""Speed of a step of GRPO with TRL's GRPOTrainer on a named shape: all weights of a random Qwen3 in fp32, prompts of a
fixed length, a group of answers to each that are all as long as they may be, no reference. One JSON object on one line.

    python3 grpo.py --shape 7m --threads 2
"""
import argparse
import json
import os
import statistics
import tempfile
import time

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", HF_HUB_DISABLE_PROGRESS_BARS="1")

import datasets
import torch
import transformers
import trl
from tokenizers import pre_tokenizers

from lora import WARM_UP_STEPS, Clock, model_of, tokenizer_of
from shapes import SHAPES
from train import peak_rss_mib

IMPORT_RSS_MIB = peak_rss_mib()


def rows_of(shape, count, tokens):
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(2, shape.vocabulary, (count, tokens), generator=draw).tolist()
    return datasets.Dataset.from_list([{"prompt": " ".join(f"w{i}" for i in row)} for row in ids])


def even_share(completion_ids, **_):
    """A reward that costs nothing and differs within a group: the share of even tokens."""
    return [sum(i % 2 == 0 for i in ids) / len(ids) for ids in completion_ids]


class Timed(trl.GRPOTrainer):
    """Seconds of sampling, scoring included, of each step, and tokens of its answers."""

    sampling, answers = [], []

    def _generate_and_score_completions(self, inputs):
        start = time.perf_counter()
        made = super()._generate_and_score_completions(inputs)
        self.sampling.append(time.perf_counter() - start)
        self.answers.append(int(made["completion_mask"].sum()))
        return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="7m")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--samples", type=int, default=8, help="answers to each prompt")
    parser.add_argument("--prompt-tokens", type=int, default=64)
    parser.add_argument("--answer-tokens", type=int, default=64)
    parser.add_argument("--answers-at-a-time", type=int, default=16, help="their gradients are added up to those of the step")
    parser.add_argument("--steps", type=int, help="timed steps; without it as many as fit 20 seconds, up to 20")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    shape = SHAPES[options.shape].with_columns(options.prompt_tokens + options.answer_tokens)
    model = model_of(shape, torch.float32)
    tokenizer = tokenizer_of(shape)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    clock = Clock(options.steps)
    answers = options.prompts * options.samples
    with tempfile.TemporaryDirectory() as folder:
        trainer = Timed(
            model=model,
            reward_funcs=even_share,
            args=trl.GRPOConfig(
                output_dir=folder, num_train_epochs=1, per_device_train_batch_size=options.answers_at_a_time,
                gradient_accumulation_steps=answers // options.answers_at_a_time, num_generations=options.samples,
                max_completion_length=options.answer_tokens, temperature=1.0, beta=0.0, loss_type="dapo",
                generation_kwargs={"min_new_tokens": options.answer_tokens}, gradient_checkpointing=False, bf16=False,
                use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no", disable_tqdm=True,
                learning_rate=1e-6, lr_scheduler_type="constant",
            ),
            train_dataset=rows_of(shape, options.prompts * 30, options.prompt_tokens),
            processing_class=tokenizer,
            callbacks=[clock],
        )
        start = time.perf_counter()
        trainer.train()
    times = [b - a for a, b in zip([start, *clock.at], clock.at)][WARM_UP_STEPS:]
    sampling = Timed.sampling[WARM_UP_STEPS:len(clock.at)]
    assert set(Timed.answers) == {answers * options.answer_tokens}, f"answers of {set(Timed.answers)} tokens"
    seconds = statistics.median(times)
    print(json.dumps({
        "shape": options.shape,
        "torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__,
        "threads": torch.get_num_threads(),
        "parameters": shape.parameters,
        "answersPerStep": answers, "answerTokens": options.answer_tokens, "promptTokens": options.prompt_tokens,
        "steps": len(times),
        "stepSeconds": seconds,
        "samplingShare": sum(sampling) / sum(times),
        "tokensPerSecond": answers * options.answer_tokens / seconds,
        "peakRssMiB": peak_rss_mib(),
        "importRssMiB": IMPORT_RSS_MIB,
    }))


if __name__ == "__main__":
    main()
