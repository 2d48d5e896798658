"""Writes test/golden/muon.json: three steps of Muon on matrices of several shapes, in float64 (test/golden/muon.test.ts).

Written from the papers: Jordan et al. 2024 (Nesterov momentum, odd polynomials of degree 5 of the momentum matrix), Amsel
et al. 2025 (which polynomials: each the best over where the one before left the singular values, here by an exchange
algorithm) and Liu et al. 2025 (0.2 · sqrt(max(out, in)), decoupled decay). Without Gram matrices, transposes or any other
saving: that is what is compared. The momentum is kept as PyTorch's torch.optim.Muon keeps it, whose own step (Jordan's
polynomials, bf16) is run beside ours, and has to point the same way.
Run: pip install torch numpy && python scripts/golden/make_muon.py && npx biome check --write test/golden/muon.json
Made with torch 2.15.0 and numpy 2.4.6.
"""

import json
from pathlib import Path

import numpy as np
import torch

SHAPES = [(8, 8), (1, 4), (6, 17), (17, 6), (12, 13), (9, 5), (2, 40)]
LEARNING_RATES = [0.02, 0.03, 0.01]
GRADIENT_SCALES = [1.0, 0.25, 1.0]
DECAY, MOMENTUM, LOWEST, COUNT = 0.1, 0.95, 0.01, 3


def best_odd_quintic(low, high):
    """(a, b, c) with the least greatest |1 − (ax + bx³ + cx⁵)| over low … high, and that error."""
    points = np.array([low, low + 0.3 * (high - low), low + 0.75 * (high - low), high])
    for _ in range(100):
        table = np.stack([points, points**3, points**5, [1, -1, 1, -1]], axis=1)
        a, b, c, error = np.linalg.solve(table, np.ones(4))
        root = np.sqrt(9 * b * b - 20 * a * c)  # where a + 3bx² + 5cx⁴ = 0
        points = np.array([low, np.sqrt((-3 * b - root) / (10 * c)), np.sqrt((-3 * b + root) / (10 * c)), high])
    return (a, b, c), abs(error)


def polynomials():
    low, high, found = LOWEST, 1.0, []
    for _ in range(COUNT):
        coefficients, error = best_odd_quintic(low, high)
        found.append([round(x, 4) for x in coefficients])
        low, high = 1 - error, 1 + error
    return found, error


def orthogonalised(x, coefficients):
    x = x / (np.linalg.norm(x) + 1e-7)
    for a, b, c in coefficients:
        cube = x @ x.T @ x
        x = a * x + b * cube + c * (x @ x.T @ cube)
    return x


def main():
    coefficients, error = polynomials()
    print("polynomials", coefficients, "error", error)
    random = np.random.default_rng(5)
    cases = []
    for shape in SHAPES:
        start = random.normal(size=shape).astype(np.float32)
        # A few directions that are much stronger than the rest, as gradients have.
        spectrum = np.geomspace(1, 0.05, shape[1])
        gradients = [(random.normal(size=shape) * spectrum).astype(np.float32) for _ in LEARNING_RATES]
        weight, momentum = start.astype(np.float64), np.zeros(shape)
        theirs = torch.nn.Parameter(torch.tensor(start))
        optimizer = torch.optim.Muon([theirs], weight_decay=DECAY, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw")
        for gradient, rate, scale in zip(gradients, LEARNING_RATES, GRADIENT_SCALES):
            momentum = MOMENTUM * momentum + (1 - MOMENTUM) * scale * gradient
            nesterov = MOMENTUM * momentum + (1 - MOMENTUM) * scale * gradient
            update = orthogonalised(nesterov, coefficients)
            weight = weight * (1 - rate * DECAY) - rate * 0.2 * np.sqrt(max(shape)) * update
            theirs.grad = torch.tensor(gradient * np.float32(scale))
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
        ours, other = weight - start, theirs.detach().numpy() - start
        cosine = (ours * other).sum() / np.linalg.norm(ours) / np.linalg.norm(other)
        print(shape, "cosine with torch", round(cosine, 4), "length", round(np.linalg.norm(ours) / np.linalg.norm(other), 3))
        assert cosine > 0.95
        values = lambda x: [float(np.float32(v)) for v in x.ravel()]
        cases.append(
            dict(shape=shape, start=values(start), gradients=[values(g) for g in gradients], weight=values(weight), m=values(momentum))
        )
    settings = dict(learningRates=LEARNING_RATES, gradientScales=GRADIENT_SCALES, weightDecay=DECAY)
    target = Path(__file__).parents[2] / "test/golden/muon.json"
    target.write_text(json.dumps(dict(settings=settings, cases=cases)))


main()
