"""Writes test/golden/dpo.json: each preference loss in plain torch, on given log-probabilities and on the tiny Qwen3.

A loss is a function in LOSSES, by its name in `preferenceLosses` (src/train/objectives/preference.ts). Log-probabilities
are summed over the answer's tokens, and a reward is β(log π − log π_ref). Where α > 0, α times the chosen answer's mean
NLL per token is added (Iterative RPO, Pang et al. 2024, eq. 2). Every loss and gradient is of the sum over pairs.
Run after make_model.py, with the same packages: python scripts/golden/make_dpo.py
and then: npx biome check --write test/golden
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from make_model import TARGET, compact
from transformers import AutoModelForCausalLM

# Ordinary pairs, a tie, a wrong order, and two so far apart that a naive log(sigmoid) gives −inf.
POLICY_CHOSEN = [-10.5, -3.25, -20.0, -55.0, -4000.0, -1.0]
POLICY_REJECTED = [-12.0, -3.25, -11.0, -80.0, -1.0, -4000.0]
REFERENCE_CHOSEN = [-11.0, -3.0, -18.0, -50.0, -100.0, -100.0]
REFERENCE_REJECTED = [-10.0, -3.0, -12.5, -60.0, -100.0, -100.0]
CHOSEN_LENGTHS = [7, 2, 9, 31, 64, 1]
REJECTED_LENGTHS = [5, 2, 12, 40, 1, 64]
PAIRS = [  # prompt, chosen, rejected (their last token ends the answer)
    ([5, 9, 33], [12, 40, 2], [18, 2]),
    ([60, 3], [7, 7, 21, 2], [50, 13, 44, 27, 2]),
]
PAIR_REFERENCE = {"chosen": [-11.0, -15.0], "rejected": [-8.0, -21.0]}
BETA = 0.3


@dataclass
class Terms:
    """One tensor [pairs] each, and β. The lengths are of answers in tokens, for a loss by their mean."""

    beta: float
    chosen: torch.Tensor
    rejected: torch.Tensor
    chosen_rewards: torch.Tensor
    rejected_rewards: torch.Tensor
    chosen_lengths: torch.Tensor
    rejected_lengths: torch.Tensor


def sigmoid(terms):
    """TRL's loss_type "sigmoid", label_smoothing 0: −log σ(β[(log π_w − log π_ref,w) − (log π_l − log π_ref,l)])."""
    return -F.logsigmoid(terms.chosen_rewards - terms.rejected_rewards)


LOSSES = dict(sigmoid=sigmoid)


def terms_of(beta, policy, reference, lengths):
    """Each argument after β: the values of the chosen answers, then of the rejected ones."""
    rewards = [beta * (values - torch.tensor(other)) for values, other in zip(policy, reference)]
    return Terms(beta, *policy, *rewards, *map(torch.tensor, lengths))


def on_numbers(name, beta, alpha):
    chosen = torch.tensor(POLICY_CHOSEN, requires_grad=True)
    rejected = torch.tensor(POLICY_REJECTED, requires_grad=True)
    terms = terms_of(beta, (chosen, rejected), (REFERENCE_CHOSEN, REFERENCE_REJECTED), (CHOSEN_LENGTHS, REJECTED_LENGTHS))
    loss = LOSSES[name](terms).sum()
    if alpha > 0:
        loss = loss + alpha * (-chosen / terms.chosen_lengths).sum()
    loss.backward()
    gradients = [torch.zeros_like(values) if values.grad is None else values.grad for values in (chosen, rejected)]
    return dict(name=name, beta=beta, alpha=alpha, loss=loss.item(), chosenRewards=terms.chosen_rewards.tolist(),
                rejectedRewards=terms.rejected_rewards.tolist(), chosenGradient=gradients[0].tolist(),
                rejectedGradient=gradients[1].tolist())


def answer_log_probability(model, prompt, answer):
    ids = torch.tensor([prompt + answer])
    log_probabilities = model(ids).logits[0, :-1].log_softmax(-1)
    taken = log_probabilities.gather(1, ids[0, 1:, None])[:, 0]
    return taken[len(prompt) - 1:].sum()


def on_model():
    model = AutoModelForCausalLM.from_pretrained(TARGET / "qwen3", attn_implementation="eager").eval()
    lengths = [len(chosen) for _, chosen, _ in PAIRS], [len(rejected) for _, _, rejected in PAIRS]
    losses = {}
    for name in LOSSES:
        model.zero_grad()
        chosen = torch.stack([answer_log_probability(model, prompt, answer) for prompt, answer, _ in PAIRS])
        rejected = torch.stack([answer_log_probability(model, prompt, answer) for prompt, _, answer in PAIRS])
        terms = terms_of(BETA, (chosen, rejected), (PAIR_REFERENCE["chosen"], PAIR_REFERENCE["rejected"]), lengths)
        loss = LOSSES[name](terms).sum()
        loss.backward()
        norms = {parameter: p.grad.norm().item() for parameter, p in model.named_parameters()}
        losses[name] = dict(loss=loss.item(), gradientNorms=norms)
    return dict(beta=BETA, pairs=[dict(prompt=p, chosen=c, rejected=r) for p, c, r in PAIRS], reference=PAIR_REFERENCE,
                chosen=chosen.tolist(), rejected=rejected.tolist(), chosenRewards=terms.chosen_rewards.tolist(),
                rejectedRewards=terms.rejected_rewards.tolist(), losses=losses)


if __name__ == "__main__":
    torch.set_num_threads(1)
    expected = dict(
        policyChosen=POLICY_CHOSEN, policyRejected=POLICY_REJECTED, referenceChosen=REFERENCE_CHOSEN,
        referenceRejected=REFERENCE_REJECTED, chosenLengths=CHOSEN_LENGTHS, rejectedLengths=REJECTED_LENGTHS,
        cases=[on_numbers(name, *weights) for name in LOSSES for weights in ((0.1, 0.0), (0.5, 0.0), (0.1, 0.25))],
        model=on_model(),
    )
    Path(TARGET / "dpo.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print(expected["model"])
