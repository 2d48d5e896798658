"""Training speed of PyTorch's DistributedDataParallel over gloo on a named shape: processes of one thread each, which share out the
rows of a batch. Prints one JSON object on one line, the first process's.

    python3 ddp.py --shape 34m --ranks 2
"""
import argparse
import json
import os
import socket
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

from model import Decoder
from shapes import SHAPES
from train import WARM_UP_STEPS, figures, make_optimizer, peak_rss_mib


def train(rank, ranks, port, options):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    torch.manual_seed(options.seed)
    shape = SHAPES[options.shape]
    if shape.rows % ranks != 0:
        raise SystemExit(f"{shape.rows} rows cannot be shared out among {ranks} processes")
    rows = shape.rows // ranks
    model = DistributedDataParallel(Decoder(shape))
    parameters = list(model.parameters())
    optimizer = make_optimizer(model)

    def step():
        # All draw the whole batch, as ours do, and each takes its rows.
        batch = torch.randint(shape.vocabulary, (2, shape.rows, shape.columns))
        tokens, targets = batch[:, rank * rows : (rank + 1) * rows]
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(tokens).view(-1, shape.vocabulary), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        value = loss.detach().clone()
        dist.all_reduce(value)  # ours reports the loss of the whole step, too
        return time.perf_counter() - start, value.item() / ranks

    for _ in range(WARM_UP_STEPS):
        step()
    times = []
    for _ in range(options.steps):
        seconds, loss = step()
        times.append(seconds)
    peaks = [None] * ranks
    dist.all_gather_object(peaks, peak_rss_mib())
    dist.destroy_process_group()
    if rank > 0:
        return
    print(json.dumps({
        "shape": options.shape,
        "precision": "fp32",
        "mode": "ddp",
        "ranks": ranks,
        "peakRssMiB": max(peaks),
        "loss": loss,
        **figures(shape, parameters, times),
    }), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="34m")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(train, args=(options.ranks, port, options), nprocs=options.ranks)


if __name__ == "__main__":
    main()
