"""Writes test/golden/online-pairs.json: what TRL's OnlineDPOTrainer makes of two sampled answers to each prompt, the gradient of every
token's log-probability and what it logs.

It is the trainer's own `training_step`, not a copy, called on an object that has no more than what that reads. A stub gives every token
its log-probability, every answer its ids and its reward. No two answers to a prompt are rewarded alike: TRL takes the first for the
better one then, and here there is no pair. Its ipo compares sums over tokens, unlike that of its DPOTrainer, whose means we have in both:
its cases are of answers of one token. TRL sums log π − log π_ref over padding too, which is 0 here.

Run with torch 2.15.0, transformers 5.24.0 and trl 1.16.0: python scripts/golden/make_online_pairs.py
and then: npx biome check --write test/golden
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
from make_model import TARGET, compact
from trl.experimental.online_dpo import OnlineDPOTrainer

EOS, PAD = 2, 0
# By prompt, by answer: log π of its tokens now and of the reference, whether it ended, its reward.
NOW = [[[-0.5, -2.0, -1.25], [-3.0]], [[-0.125, -1.0, -4.0, -2.5], [-0.75, -1.5]], [[-6.0, -0.25], [-0.5, -0.5, -0.5]]]
REFERENCE = [[[-0.75, -2.5, -1.0], [-2.5]], [[-0.5, -1.25, -3.5, -2.75], [-1.0, -1.25]], [[-2.0, -0.25], [-0.75, -1.5, -2.0]]]
ENDED = [[True, True], [False, True], [True, False]]
REWARDS = [[0.75, 0.25], [-1.5, 2.0], [0.5, 0.375]]


def columns(table, fill):
    """TRL's order: the first answers to all prompts, then the second ones; padded on the right."""
    rows = [pair[0] for pair in table] + [pair[1] for pair in table]
    width = max(map(len, rows))
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def online_case(loss, beta):
    cut = 1 if loss == "ipo" else None
    tables = [[[tokens[:cut] for tokens in pair] for pair in table] for table in (NOW, REFERENCE)]
    return dict(knobs=dict(loss=loss, beta=beta), now=tables[0], reference=tables[1], **trained(*tables, loss, beta))


def trained(table, reference_table, loss, beta):
    prompts = len(table)
    now = columns(table, 0.0).requires_grad_()
    ids = columns([[[5] * (len(tokens) - 1) + [EOS if ended else 5] for tokens, ended in zip(*both)] for both in zip(table, ENDED)], PAD)
    mask = columns([[[1] * len(tokens) for tokens in pair] for pair in table], 0)
    rewards = torch.tensor([pair[0] for pair in REWARDS] + [pair[1] for pair in REWARDS])
    same = lambda values: values
    reference = object()
    made = OnlineDPOTrainer.__new__(OnlineDPOTrainer)
    fields = dict(
        args=SimpleNamespace(use_vllm=False, missing_eos_penalty=None, loss_type=loss, torch_empty_cache_steps=None, optim="adamw_torch",
                             n_gpu=1, gradient_accumulation_steps=1),
        _beta=beta, state=None, stats=defaultdict(list), eos_token_ids=[EOS], ref_model=reference, reward_funcs=[None],
        accelerator=SimpleNamespace(gather_for_metrics=same, backward=lambda total: total.backward()),
        processing_class=SimpleNamespace(batch_decode=lambda rows, **_: ["" for _ in rows]),
        _generate=lambda *_: (torch.full((2 * prompts, 1), 5), torch.ones(2 * prompts, 1), ids, mask, None),
        _forward=lambda model, *_: columns(reference_table, 0.0) if model is reference else now,
        _calculate_rewards_from_functions=lambda **_: rewards.clone(),
    )
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    total = made.training_step(SimpleNamespace(train=lambda: None), dict(prompt=["a"] * prompts))
    gradients = [[now.grad[answer * prompts + prompt][: len(table[prompt][answer])].tolist() for answer in (0, 1)] for prompt in range(prompts)]
    logged = {name: values[0] for name, values in made.stats.items() if values}
    return dict(loss=total.item(), gradients=gradients, logged=logged)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cases = [online_case(loss, beta) for loss in ("sigmoid", "ipo") for beta in (0.1, 0.5)]
    expected = dict(ended=ENDED, rewards=REWARDS, cases=cases)
    Path(TARGET / "online-pairs.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print(len(cases), sorted(cases[0]["logged"]))
