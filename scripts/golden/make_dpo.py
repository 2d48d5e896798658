"""Writes test/golden/dpo.json: the sigmoid DPO loss in plain torch, on given log-probabilities and on the tiny Qwen3.

The formula is TRL's (loss_type "sigmoid", label_smoothing 0): −log σ(β[(log π_w − log π_ref,w) − (log π_l − log π_ref,l)]),
log-probabilities summed over the answer's tokens. `mixed` adds α times the chosen answer's mean NLL per token (Iterative
RPO, Pang et al. 2024, eq. 2). Every loss and gradient is of the sum over pairs.
Run after make_model.py, with the same packages: python scripts/golden/make_dpo.py
and then: npx biome check --write test/golden
"""

import json
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
LENGTHS = [7, 2, 9, 31, 64, 1]
PAIRS = [  # prompt, chosen, rejected (their last token ends the answer)
    ([5, 9, 33], [12, 40, 2], [18, 2]),
    ([60, 3], [7, 7, 21, 2], [50, 13, 44, 27, 2]),
]
PAIR_REFERENCE = {"chosen": [-11.0, -15.0], "rejected": [-8.0, -21.0]}
BETA = 0.3


def dpo(chosen, rejected, reference_chosen, reference_rejected, beta):
    chosen_rewards = beta * (chosen - reference_chosen)
    rejected_rewards = beta * (rejected - reference_rejected)
    return -F.logsigmoid(chosen_rewards - rejected_rewards).sum(), chosen_rewards, rejected_rewards


def on_numbers(beta, alpha):
    chosen = torch.tensor(POLICY_CHOSEN, requires_grad=True)
    rejected = torch.tensor(POLICY_REJECTED, requires_grad=True)
    loss, chosen_rewards, rejected_rewards = dpo(
        chosen, rejected, torch.tensor(REFERENCE_CHOSEN), torch.tensor(REFERENCE_REJECTED), beta
    )
    if alpha > 0:
        loss = loss + alpha * (-chosen / torch.tensor(LENGTHS)).sum()
    loss.backward()
    return dict(beta=beta, alpha=alpha, loss=loss.item(), chosenRewards=chosen_rewards.tolist(),
                rejectedRewards=rejected_rewards.tolist(), chosenGradient=chosen.grad.tolist(),
                rejectedGradient=rejected.grad.tolist())


def answer_log_probability(model, prompt, answer):
    ids = torch.tensor([prompt + answer])
    log_probabilities = model(ids).logits[0, :-1].log_softmax(-1)
    taken = log_probabilities.gather(1, ids[0, 1:, None])[:, 0]
    return taken[len(prompt) - 1:].sum()


def on_model():
    model = AutoModelForCausalLM.from_pretrained(TARGET / "qwen3", attn_implementation="eager").eval()
    chosen = torch.stack([answer_log_probability(model, prompt, answer) for prompt, answer, _ in PAIRS])
    rejected = torch.stack([answer_log_probability(model, prompt, answer) for prompt, _, answer in PAIRS])
    loss, chosen_rewards, rejected_rewards = dpo(
        chosen, rejected, torch.tensor(PAIR_REFERENCE["chosen"]), torch.tensor(PAIR_REFERENCE["rejected"]), BETA
    )
    loss.backward()
    return dict(beta=BETA, pairs=[dict(prompt=p, chosen=c, rejected=r) for p, c, r in PAIRS], reference=PAIR_REFERENCE,
                chosen=chosen.tolist(), rejected=rejected.tolist(), loss=loss.item(),
                chosenRewards=chosen_rewards.tolist(), rejectedRewards=rejected_rewards.tolist(),
                gradientNorms={name: p.grad.norm().item() for name, p in model.named_parameters()})


if __name__ == "__main__":
    torch.set_num_threads(1)
    expected = dict(
        policyChosen=POLICY_CHOSEN, policyRejected=POLICY_REJECTED, referenceChosen=REFERENCE_CHOSEN,
        referenceRejected=REFERENCE_REJECTED, lengths=LENGTHS,
        cases=[on_numbers(0.1, 0.0), on_numbers(0.5, 0.0), on_numbers(0.1, 0.25)], model=on_model(),
    )
    Path(TARGET / "dpo.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print(expected["model"])
