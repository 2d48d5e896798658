"""Decoding speed of PyTorch on a named shape, with a cache of keys and values: the plain decoder of model.py (eager), or the
same model through transformers' `generate`. One JSON object on one line.

    python3 decode.py --shape 7m --batch 32 --context 128 --temperature 1 --mode generate --threads 2
"""
import argparse
import json
import statistics
import time

import torch

from model import Decoder
from shapes import SHAPES, Shape

WARM_UP_STEPS, MOST_STEPS = 8, 128  # as src/bench/decode.ts


def choose(logits, temperature: float):
    """logits [B, V] → ids [B, 1]: the likeliest, or drawn from the whole distribution."""
    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    return torch.multinomial((logits / temperature).softmax(-1), 1)


def eager(shape: Shape, tokens, steps: int, temperature: float):
    """When each token of the first row has come; the first is the prompt's."""
    batch, prompt = tokens.shape
    model = Decoder(shape)
    caches = model.new_caches(batch)
    tokens = choose(model(tokens, caches)[:, -1], temperature)
    tokens.tolist()
    arrivals = [time.perf_counter()]
    for position in range(prompt, prompt + steps):
        tokens = choose(model(tokens, caches, position)[:, -1], temperature)
        tokens.tolist()
        arrivals.append(time.perf_counter())
    return arrivals


def generate(shape: Shape, tokens, steps: int, temperature: float):
    from transformers import Qwen3Config, Qwen3ForCausalLM, StoppingCriteria, StoppingCriteriaList

    model = Qwen3ForCausalLM(Qwen3Config(
        vocab_size=shape.vocabulary, hidden_size=shape.width, intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.heads,
        head_dim=shape.width // shape.heads, max_position_embeddings=shape.columns, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )).eval()
    count = sum(p.numel() for p in model.parameters())
    assert count == shape.parameters, f"{count} parameters instead of {shape.parameters}"
    arrivals = []

    class Clock(StoppingCriteria):
        def __call__(self, input_ids, scores, **_):
            arrivals.append(time.perf_counter())
            return torch.zeros(input_ids.shape[0], dtype=torch.bool)

    drawn = dict(do_sample=True, temperature=temperature, top_k=0, top_p=1.0) if temperature else dict(do_sample=False)
    model.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=steps + 1,
        stopping_criteria=StoppingCriteriaList([Clock()]), **drawn,
    )
    return arrivals


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="7m")
    parser.add_argument("--mode", choices=["eager", "generate"], default="eager")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--context", type=int, default=128, help="tokens in a row's cache, halfway through the timed steps")
    parser.add_argument("--temperature", type=float, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    steps = min(options.steps or MOST_STEPS, options.context)
    prompt = options.context - WARM_UP_STEPS - steps // 2
    shape = SHAPES[options.shape].with_columns(options.context + WARM_UP_STEPS + steps)
    tokens = torch.randint(shape.vocabulary, (options.batch, prompt))
    run = eager if options.mode == "eager" else generate
    arrivals = run(shape, tokens, WARM_UP_STEPS + steps, options.temperature)
    seconds = statistics.median(b - a for a, b in zip(arrivals[WARM_UP_STEPS:], arrivals[WARM_UP_STEPS + 1:]))
    print(json.dumps({
        "shape": options.shape,
        "mode": options.mode,
        "batch": options.batch,
        "context": options.context,
        "temperature": options.temperature,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "steps": len(arrivals) - 1 - WARM_UP_STEPS,
        "tokensPerSecond": options.batch / seconds,
    }))


if __name__ == "__main__":
    main()
