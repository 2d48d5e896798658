"""Training speed of PyTorch on a named shape. Prints one JSON object on one line.

    python3 train.py --shape 7m --mode eager --precision fp32 --threads 2
"""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

from model import Decoder
from shapes import SHAPES

def peak_rss_mib():
    """Of this process alone: on Linux `ru_maxrss` would count what the parent held when it forked."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


# Importing alone takes much of it, above all where the wheel carries CUDA: told apart from what training needs.
IMPORT_RSS_MIB = peak_rss_mib()
WARM_UP_STEPS, MOST_STEPS, MOST_SECONDS = 2, 20, 20  # as src/bench/train.ts


def make_optimizer(model):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    try:
        return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, fused=True)
    except (RuntimeError, TypeError):  # before PyTorch 2.4 only CUDA has the fused one
        return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), eps=1e-8)


def figures(shape, parameters, times):
    """What is said of any training of a shape, from the seconds of its steps."""
    tokens = shape.rows * shape.columns
    seconds = statistics.median(times)
    return {
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in parameters),
        "tokensPerStep": tokens,
        "flopsPerToken": shape.flops_per_token,
        "steps": len(times),
        "tokensPerSecond": tokens / seconds,
        "gflops": shape.flops_per_token * tokens / seconds / 1e9,
        "importRssMiB": IMPORT_RSS_MIB,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="7m")
    parser.add_argument("--mode", choices=["eager", "compile"], default="eager")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--context", type=int, help="tokens of a row; the batch keeps about as many")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, help="timed steps; without it as many as fit 20 seconds, up to 20")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shape = SHAPES[options.shape]
    if options.context:
        shape = shape.with_batch_of(options.context)
    model = Decoder(shape)
    optimizer = make_optimizer(model)
    parameters = list(model.parameters())

    def loss_of(tokens, targets):
        logits = model(tokens)
        return F.cross_entropy(logits.view(-1, shape.vocabulary), targets.view(-1))

    compute = torch.compile(loss_of) if options.mode == "compile" else loss_of

    def step():
        tokens = torch.randint(shape.vocabulary, (shape.rows, shape.columns))
        targets = torch.randint(shape.vocabulary, (shape.rows, shape.columns))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        if options.precision == "bf16":
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = compute(tokens, targets)
        else:
            loss = compute(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        value = loss.item()
        return time.perf_counter() - start, value

    for _ in range(WARM_UP_STEPS):
        step()
    times = []
    started = time.perf_counter()
    while True:
        seconds, loss = step()
        times.append(seconds)
        if options.steps is None:
            if len(times) >= MOST_STEPS or time.perf_counter() - started > MOST_SECONDS:
                break
        elif len(times) >= options.steps:
            break
    print(json.dumps({
        "shape": options.shape,
        "precision": options.precision,
        "mode": options.mode,
        "threads": torch.get_num_threads(),
        "peakRssMiB": peak_rss_mib(),
        "loss": loss,
        **figures(shape, parameters, times),
    }))


if __name__ == "__main__":
    main()
