"""Decoding speed of PyTorch on a named shape: greedy, with a cache of keys and values. One JSON object on one line.

    python3 decode.py --shape 7m --batch 32 --threads 2
"""
import argparse
import json
import statistics
import time

import torch

from model import Decoder
from shapes import SHAPES

WARM_UP_STEPS, MOST_STEPS, MOST_PROMPT = 2, 128, 32  # as src/bench/decode.ts


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="7m")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shape = SHAPES[options.shape]
    model = Decoder(shape)
    prompt = min(MOST_PROMPT, shape.columns // 4)
    steps = min(options.steps or MOST_STEPS, shape.columns - prompt - WARM_UP_STEPS - 1)
    caches = model.new_caches(options.batch)
    tokens = torch.randint(shape.vocabulary, (options.batch, prompt))
    tokens = model(tokens, caches)[:, -1].argmax(-1, keepdim=True)
    times = []
    for position in range(prompt, prompt + WARM_UP_STEPS + steps):
        start = time.perf_counter()
        tokens = model(tokens, caches, position)[:, -1].argmax(-1, keepdim=True)
        tokens.tolist()
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times[WARM_UP_STEPS:])
    print(json.dumps({
        "shape": options.shape,
        "batch": options.batch,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "tokensPerSecond": options.batch / seconds,
    }))


if __name__ == "__main__":
    main()
