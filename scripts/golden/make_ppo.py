"""Writes test/golden/ppo.json: what TRL's PPOTrainer makes of sampled answers, step by step, with its gradients and its metrics.

Its training loop is one method, so its own lines are run, cut out of the installed source: from the masks to the advantages, the
loss of a micro-batch, and the metrics. A stub gives every token its log-probabilities and its value.

One place where TRL is not followed: it pays an answer that is shorter than the longest one step behind its last token, where the
critic has a value too. Ours pays at the last token, as TRL does for an answer of full length. `sequence_lengths_p1` is
therefore `sequence_lengths` for shorter answers; the case `full` runs the lines as they stand. Means over padding, of
approxkl and of the ratio, are scaled to means over tokens.

Run with torch 2.15.0, transformers 5.24.0 and trl 1.12.0, the last that has PPO: python scripts/golden/make_ppo.py
and then: npx biome check --write test/golden
"""

import inspect
import json
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from make_model import TARGET, compact
from trl.experimental.ppo import ppo_trainer

SOURCE = inspect.getsource(ppo_trainer.PPOTrainer.train).splitlines()


def lines(first, last):
    """TRL's lines between the two that begin so, both included."""
    begin = next(i for i, line in enumerate(SOURCE) if line.strip().startswith(first))
    end = next(i for i, line in enumerate(SOURCE) if i >= begin and line.strip().startswith(last))
    return textwrap.dedent("\n".join(SOURCE[begin : end + 1])) + "\n"


CREDIT = lines("response_idxs = ", "advantages = torch.masked_fill(advantages, padding_mask, 0)")
LOSS = lines("new_logprobs = torch.masked_fill(", "pg_loss_max = ") + lines("pg_loss = ", "loss = pg_loss")
FIGURES = lines("pg_clipfrac = masked_mean(", ")") + lines("approxkl = 0.5", "approxkl = 0.5")
METRICS = lines("mean_kl = ", "rlhf_reward = ")
AT_LAST = CREDIT.replace("sequence_lengths_p1 = sequence_lengths + 1", "sequence_lengths_p1 = sequence_lengths")
assert AT_LAST != CREDIT

SHORT = dict(
    old=[[-1.0, -1.75, -1.3], [-2.0], [-0.25, -2.5, -3.0, -2.45], [-0.5, -2.0]],
    now=[[-0.5, -2.0, -1.25], [-3.0], [-0.125, -1.0, -4.0, -2.5], [-0.75, -1.5]],
    reference=[[-0.75, -2.5, -1.0], [-2.5], [-0.5, -1.25, -3.5, -2.75], [-1.0, -1.25]],
    values=[[0.25, 0.5, 0.75], [-0.5], [0.125, -0.25, 0.0, 1.0], [0.5, -1.0]],
    valuesNow=[[0.5, 0.4375, 1.5], [-1.25], [0.125, 0.5, -0.125, 1.25], [0.25, -0.875]],
    scores=[1.0, -0.5, 0.25, 2.0],
)
FULL = {name: [row[:2] for row in rows if len(row) > 1] if name != "scores" else [1.0, 0.25, 2.0] for name, rows in SHORT.items()}


def padded(rows, fill=0.0):
    width = max(map(len, rows))
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def case(name, answers, knobs):
    args = SimpleNamespace(
        kl_coef=knobs.get("klWeight", 0.05), kl_estimator=knobs.get("klEstimator", "k1"),
        whiten_rewards=knobs.get("whitenRewards", False), gamma=knobs.get("gamma", 1.0), lam=knobs.get("lambda", 0.95),
        cliprange=knobs.get("clipLow", 0.2), cliprange_value=knobs.get("valueClip", 0.2), vf_coef=knobs.get("valueWeight", 0.1),
    )
    lengths = [len(row) for row in answers["old"]]
    space = dict(
        vars(ppo_trainer), args=args, responses=padded(answers["old"]), sequence_lengths=torch.tensor(lengths) - 1,
        logprobs=padded(answers["old"]), ref_logprobs=padded(answers["reference"]), values=padded(answers["values"]),
        scores=torch.tensor(answers["scores"]), empty_cache=lambda: None,
    )
    exec(CREDIT if name == "full" else AT_LAST, space)
    rows = range(len(lengths))
    by_token = lambda table: [table[row, : lengths[row]].tolist() for row in rows]

    now, vpred = padded(answers["now"]).requires_grad_(), padded(answers["valuesNow"]).requires_grad_()
    everything = np.arange(len(lengths))
    space.update(
        new_logprobs=now, vpred_temp=torch.nn.functional.pad(vpred, (0, 1)).unsqueeze(-1), context_length=1,
        micro_batch_inds=everything, mb_values=space["values"], mb_return=space["returns"], mb_advantage=space["advantages"],
        mb_logprobs=space["logprobs"],
    )
    exec(LOSS, space)
    space["loss"].backward()
    exec(FIGURES, space)
    exec(METRICS, space)
    cells, tokens = space["ratio"].numel(), sum(lengths)
    number = lambda key: space[key].item()
    return dict(
        knobs=knobs, answers=name, advantages=by_token(space["advantages"]), returns=by_token(space["returns"]),
        loss=number("loss"), gradients=by_token(now.grad), valueGradients=by_token(vpred.grad),
        logged={
            "objective/kl": number("mean_kl"), "objective/entropy": number("mean_entropy"),
            "objective/non_score_reward": number("mean_non_score_reward"), "objective/rlhf_reward": number("rlhf_reward"),
            "objective/scores": space["scores"].mean().item(),
            "policy/approxkl_avg": number("approxkl") * cells / tokens, "clip_ratio/region_mean": number("pg_clipfrac"),
            "loss/policy_avg": number("pg_loss"), "loss/value_avg": number("vf_loss"), "val/clipfrac_avg": number("vf_clipfrac"),
            "val/ratio": (space["ratio"].mean().item() * cells - (cells - tokens)) / tokens,
        },
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    knobs = (
        {}, dict(klEstimator="k3"), dict(klWeight=0.5, whitenRewards=True), dict(gamma=0.9, **{"lambda": 0.5}),
        {"lambda": 1.0, "valueClip": 0.05, "valueWeight": 1.0}, dict(clipLow=0.5, valueClip=2.0),
    )
    cases = [case(name, answers, own) for name, answers in (("short", SHORT), ("full", FULL)) for own in knobs]
    expected = dict(answers=dict(short=SHORT, full=FULL), cases=cases)
    Path(TARGET / "ppo.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print(len(cases), cases[0]["logged"])
