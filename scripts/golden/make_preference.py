"""Writes test/golden/preference.json: what TRL's own loss functions make of answers, and their gradients.

The functions are those of the trainers, not copies: `_compute_loss` of DPOTrainer and KTOTrainer, and
`get_batch_loss_metrics` of the experimental CPOTrainer and ORPOTrainer, called on an object that has no more than what they
read. Two models feed them. A stub gives each token a log-probability, so that a loss and its gradient with respect to every
answer's log-probability stand alone; the tiny Qwen3 shows that masks, sums and the statistics of the logits are right too.
cDPO, which TRL lacks, comes from two sources: OpenRLHF's formula, written down here, and TRL's `aot` of a single pair, in
which sorting does nothing.

One micro-batch each: TRL defines the sft term, aot and KTO's z over it.
Run after make_model.py with torch 2.15.0, transformers 5.24.0 and trl 1.16.0: python scripts/golden/make_preference.py
and then: npx biome check --write test/golden
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from make_model import TARGET, compact
from transformers import AutoModelForCausalLM
from trl import DPOTrainer, KTOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer
from trl.trainer.utils import add_fused_lm_head

DPO_LOSSES = ["sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
              "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm"]
DIVERGENT = ["sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "robust", "discopop", "sft"]
SMOOTHING = {"exo_pair": 0.001, "robust": 0.1, "aot": 0.2, "aot_unpaired": 0.2}

# Ordinary pairs, a tie, a wrong order; and pairs so far apart that a naive log(sigmoid) gives −inf.
ORDINARY = dict(
    policy=([-10.5, -3.25, -20.0, -55.0, -8.0], [-12.0, -3.25, -11.0, -80.0, -7.5]),
    reference=([-11.0, -3.0, -18.0, -50.0, -9.0], [-10.0, -3.0, -12.5, -60.0, -7.0]),
    lengths=([7, 2, 9, 31, 3], [5, 2, 12, 40, 4]),
)
EXTREME = dict(
    policy=([-4000.0, -1.0, -30.0], [-1.0, -4000.0, -30.0]),
    reference=([-100.0, -100.0, -30.0], [-100.0, -100.0, -30.0]),
    lengths=([64, 1, 5], [1, 64, 5]),
)


def accelerator():
    same = lambda values: values
    return SimpleNamespace(device=torch.device("cpu"), gather=same, gather_for_metrics=same, num_processes=1)


def trainer(kind, model, **settings):
    """An object of the trainer's class without its constructor: the loss reads these fields and no others."""
    made = kind.__new__(kind)
    fields = dict(
        model=model, accelerator=accelerator(), aux_loss_enabled=False, is_encoder_decoder=False, ref_model=None,
        precompute_ref_logps=True, _total_train_tokens=0, _tp_size=1, pad_token_id=0, padding_value=0,
        _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
    )
    for name, value in {**fields, **settings}.items():
        object.__setattr__(made, name, value)
    return made


def metrics_of(made):
    return {name: values[-1] for name, values in made._metrics["train"].items()}


def dpo(model, loss_types, beta=0.1, weights=None, smoothing=0.0, divergence="reverse_kl", alpha=0.5):
    return trainer(
        DPOTrainer, model, beta=beta, loss_types=loss_types, loss_weights=weights or [1.0] * len(loss_types), ld_alpha=None,
        f_divergence_type=divergence, f_alpha_divergence_coef=alpha, label_smoothing=smoothing, use_weighting=False,
        args=SimpleNamespace(discopop_tau=0.05),
    )


def kto(model, loss_type, beta=0.1, desirable=1.0, undesirable=1.0):
    return trainer(
        KTOTrainer, model, beta=beta, loss_type=loss_type, desirable_weight=desirable, undesirable_weight=undesirable,
        calculate_KL=loss_type != "apo_zero_unpaired",
    )


# ---- A stub: every token's log-probability is given -------------------------------------------------------------------


def per_token(sums, lengths, width):
    """[rows, width]: one position of the prompt, then each answer's log-probability in equal parts."""
    values = torch.zeros(len(sums), width)
    for row, (total, length) in enumerate(zip(sums, lengths)):
        values[row, :length] = total / length
    return values.requires_grad_()


class Stub(torch.nn.Module):
    """Answers TRL's fused head with tensors that were prepared, by the ids that it is asked about."""

    def __init__(self, tables):
        super().__init__()
        self.tables = tables  # the first id of the first row → log-probabilities [rows, width]

    def forward(self, input_ids, labels, **_):
        given = self.tables[int(input_ids[0, 0])]
        masked = torch.where(labels[:, 1:] == -100, torch.zeros_like(given), given)
        zeros = torch.zeros_like(masked)
        return SimpleNamespace(log_probs=masked, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())


def mask_of(lengths, width):
    """[rows, 1 + width]: where the answers stand."""
    return torch.tensor([[0] + [1] * length + [0] * (width - length) for length in lengths])


def stub_inputs(lengths, references, first=1):
    width = max(lengths)
    mask = mask_of(lengths, width)
    half = len(lengths) // 2
    return dict(
        input_ids=torch.full((len(lengths), 1 + width), first), attention_mask=torch.ones_like(mask), completion_mask=mask,
        ref_chosen_logps=torch.tensor(references[:half]), ref_rejected_logps=torch.tensor(references[half:]),
    )


def slope_of(table, lengths):
    """The gradient with respect to each answer's sum, which each of its tokens has."""
    gradient = torch.zeros_like(table) if table.grad is None else table.grad
    slopes = []
    for row, length in zip(gradient, lengths):
        assert torch.allclose(row[:length], row[0].expand(length), rtol=1e-6, atol=0, equal_nan=True), row
        slopes.append(row[0].item())
    return slopes


def on_pairs(numbers, **settings):
    sums, references, lengths = [both[0] + both[1] for both in (numbers["policy"], numbers["reference"], numbers["lengths"])]
    table = per_token(sums, lengths, max(lengths))
    made = dpo(Stub({1: table}), **settings)
    loss = made._compute_loss(made.model, stub_inputs(lengths, references), False)
    loss.backward()
    slopes = slope_of(table, lengths)
    half = len(sums) // 2
    logged = {name: value for name, value in metrics_of(made).items() if name.startswith(("rewards/", "logps/"))}
    return dict(loss=loss.item(), chosenGradient=slopes[:half], rejectedGradient=slopes[half:], logged=logged)


def dpo_cases():
    cases = []

    def add(set_name, losses, **settings):
        given = dict(loss_types=losses, **settings)
        found = on_pairs(ORDINARY if set_name == "ordinary" else EXTREME, **given)
        if not all(map(torch.isfinite, map(torch.tensor, [found["loss"], *found["chosenGradient"], *found["rejectedGradient"]]))):
            print("not finite in TRL, left out:", set_name, given)
            return
        knobs = dict(loss=losses)
        for key, name in (("beta", "beta"), ("weights", "lossWeights"), ("divergence", "fDivergence"), ("alpha", "fDivergenceAlpha")):
            if key in settings:
                knobs[name] = settings[key]
        if "smoothing" in settings:
            knobs["labelSmoothing"] = settings["smoothing"]
        cases.append(dict(set=set_name, knobs=knobs, **found))

    for name in DPO_LOSSES:
        extra = dict(smoothing=SMOOTHING[name]) if name in SMOOTHING else {}
        for beta in (0.1, 0.5):
            add("ordinary", [name], beta=beta, **extra)
        add("extreme", [name], beta=0.1, **extra)
        if name in DIVERGENT:
            add("ordinary", [name], divergence="forward_kl", **extra)
            add("ordinary", [name], divergence="js_divergence", **extra)
            for alpha in (0.5, 1.0, 2.0):
                add("ordinary", [name], divergence="alpha_divergence", alpha=alpha, **extra)
    add("ordinary", ["sigmoid", "bco_pair", "sft"], weights=[0.8, 0.2, 1.0])
    add("ordinary", ["robust", "exo_pair", "sigmoid_norm"], weights=[0.5, 2.0, 0.0], smoothing=0.05)
    return cases


def cdpo_cases():
    """OpenRLHF's smoothed sigmoid, held against TRL's aot of one pair at a time."""
    cases = []
    for beta, epsilon in ((0.1, 0.1), (0.5, 0.3)):
        chosen, rejected = [torch.tensor(side, requires_grad=True) for side in ORDINARY["policy"]]
        chosen_ref, rejected_ref = map(torch.tensor, ORDINARY["reference"])
        logits = (chosen - rejected) - (chosen_ref - rejected_ref)
        losses = -F.logsigmoid(beta * logits) * (1 - epsilon) - F.logsigmoid(-beta * logits) * epsilon
        losses.mean().backward()
        pairs = len(losses)
        for i in range(pairs):
            one = {key: ([both[0][i]], [both[1][i]]) for key, both in ORDINARY.items()}
            found = on_pairs(one, loss_types=["aot"], beta=beta, smoothing=epsilon)
            assert abs(found["loss"] - losses[i].item()) < 1e-5 * max(1, losses[i].item()), (found, losses[i])
            assert abs(found["chosenGradient"][0] / pairs - chosen.grad[i].item()) < 1e-6
        cases.append(dict(set="ordinary", knobs=dict(loss=["cdpo"], beta=beta, labelSmoothing=epsilon),
                          loss=losses.mean().item(), chosenGradient=chosen.grad.tolist(), rejectedGradient=rejected.grad.tolist(),
                          logged={}))
    return cases


LABELLED = dict(
    policy=[-10.5, -3.25, -20.0, -55.0, -8.0], reference=[-11.0, -3.0, -18.0, -50.0, -9.0], lengths=[7, 2, 9, 31, 3],
    isGood=[True, False, True, False, True],
    # The answers of other rows: under the policy, and under the reference.
    mismatched=([-30.0, -14.0, -9.0, -41.0, -70.0], [-33.0, -16.5, -9.5, -40.0, -73.0]),
    far=([-30.0, -14.0, -9.0, -41.0, -70.0], [-20.0, -12.0, -9.5, -40.0, -63.0]),  # z would be negative
)


def kto_cases():
    cases = []
    for name in ("kto", "apo_zero_unpaired"):
        for beta, desirable, undesirable, other, labels in (
            (0.1, 1.0, 1.0, "mismatched", None), (0.5, 1.33, 0.75, "mismatched", None), (0.1, 1.0, 1.0, "far", None),
            (0.1, 1.0, 1.0, "mismatched", [True] * 5),
        ):
            labels = labels or LABELLED["isGood"]
            lengths = LABELLED["lengths"]
            width = max(lengths)
            table = per_token(LABELLED["policy"], lengths, width)
            values, references = LABELLED[other]
            made = kto(Stub({1: table, 2: per_token(values, [4] * 5, width)}), name, beta, desirable, undesirable)
            mask, other_mask = mask_of(lengths, width), mask_of([4] * 5, width)
            inputs = dict(
                input_ids=torch.ones_like(mask), attention_mask=torch.ones_like(mask), completion_mask=mask,
                KL_input_ids=torch.full_like(mask, 2), KL_attention_mask=torch.ones_like(mask), KL_completion_mask=other_mask,
                label=torch.tensor(labels), ref_logps=torch.tensor(LABELLED["reference"]),
                ref_KL_logps=torch.tensor(references),
            )
            loss = made._compute_loss(made.model, inputs, False)
            loss.backward()
            wanted = ("rewards/", "logps/", "kl")
            logged = {key: value for key, value in metrics_of(made).items() if key.startswith(wanted)}
            cases.append(dict(
                knobs=dict(method="kto", loss=[name], beta=beta, desirableWeight=desirable, undesirableWeight=undesirable),
                mismatched=other, isGood=labels, loss=loss.item(), gradient=slope_of(table, lengths), logged=logged))
    return cases


def free_cases():
    """CPO, SimPO, AlphaPO and ORPO: logits over two words, of which the first has the given log-probability."""
    prompt = -2.5  # the log-probability of each prompt's second token, which ORPO learns too
    cases = []

    def add(knobs, kind, **settings):
        sums, lengths = [both[0] + both[1] for both in (ORDINARY["policy"], ORDINARY["lengths"])]
        width, half = max(lengths), len(sums) // 2
        table = per_token(sums, lengths, width)
        first = torch.full((len(sums), 1), prompt)
        own = torch.cat([first, table], 1)  # predicts tokens 1 … of [prompt, prompt, answer …]
        safe = torch.where(own < 0, own, torch.full_like(own, -1.0))
        logits = torch.stack([safe, torch.log(-torch.expm1(safe))], -1)
        logits = torch.cat([logits, torch.zeros(len(sums), 1, 2)], 1)
        made = trainer(kind, None, **settings)
        masks = torch.cat([torch.ones(len(sums), 1).long(), mask_of(lengths, width)], 1)
        masks[:, 1] = 1
        attention = masks.clone()
        labels = torch.where(masks.bool(), torch.zeros_like(masks), -100)
        labels[:, :2] = -100
        batch = {}
        for side, rows in (("chosen", slice(0, half)), ("rejected", slice(half, None))):
            batch[f"{side}_input_ids"] = torch.zeros_like(masks[rows])
            batch[f"{side}_attention_mask"] = attention[rows]
            batch[f"{side}_labels"] = labels[rows]
        model = lambda *_, **__: SimpleNamespace(logits=logits)
        loss, logged = made.get_batch_loss_metrics(model, batch)
        loss.backward()
        # The NLL's gradient differs between a chosen answer's tokens and its mean, not among its tokens.
        slopes = slope_of(table, lengths)
        kept = {key: value for key, value in logged.items() if not key.startswith("logits/")}
        cases.append(dict(knobs=knobs, prompt=prompt, loss=loss.item(), chosenGradient=slopes[:half],
                          rejectedGradient=slopes[half:], logged=kept))

    for beta in (0.1, 0.5):
        for loss_type in ("sigmoid", "hinge", "ipo"):
            for alpha, smoothing in ((1.0, 0.0), (0.0, 0.0)) + (((0.5, 0.2),) if loss_type == "sigmoid" else ()):
                knobs = dict(method="cpo", loss=[loss_type], beta=beta, sftWeight=alpha)
                if smoothing:
                    knobs["labelSmoothing"] = smoothing
                add(knobs, CPOTrainer, beta=beta, loss_type=loss_type, cpo_alpha=alpha, alpha=0.0, label_smoothing=smoothing)
    for beta, gamma, sft, smoothing in ((2.0, 1.0, 0.0, 0.0), (0.1, 0.5, 1.0, 0.0), (10.0, 3.0, 0.0, 0.1)):
        for alpha in (None, 0.25, -0.5):
            knobs = dict(method="simpo" if alpha is None else "alphapo", beta=beta, simpoGamma=gamma, sftWeight=sft,
                         labelSmoothing=smoothing, **({} if alpha is None else dict(rewardAlpha=alpha)))
            add(knobs, CPOTrainer, beta=beta, loss_type="simpo", cpo_alpha=sft, simpo_gamma=gamma, alpha=alpha or 0.0,
                label_smoothing=smoothing)
    for beta in (0.1, 1.0):
        add(dict(method="orpo", beta=beta), ORPOTrainer, beta=beta)
    return cases


# ---- The tiny Qwen3 ---------------------------------------------------------------------------------------------------

PAIRS = [  # prompt, chosen, rejected (their last token ends the answer)
    ([5, 9, 33], [12, 40, 2], [18, 2]),
    ([60, 3], [7, 7, 21, 2], [50, 13, 44, 27, 2]),
]
PAIR_REFERENCE = [-11.0, -15.0, -8.0, -21.0]


def padded(sequences):
    width = max(len(prompt) + len(answer) for prompt, answer in sequences)
    rows = [prompt + answer + [0] * (width - len(prompt) - len(answer)) for prompt, answer in sequences]
    seen = [[1] * (len(p) + len(a)) + [0] * (width - len(p) - len(a)) for p, a in sequences]
    answers = [[0] * len(p) + [1] * len(a) + [0] * (width - len(p) - len(a)) for p, a in sequences]
    return torch.tensor(rows), torch.tensor(seen), torch.tensor(answers)


def on_model():
    sequences = [(p, c) for p, c, _ in PAIRS] + [(p, r) for p, _, r in PAIRS]
    ids, seen, answers = padded(sequences)
    cases = []

    def model():
        made = AutoModelForCausalLM.from_pretrained(TARGET / "qwen3", attn_implementation="eager")
        return made

    def add(knobs, network, loss, logged):
        loss.backward()
        norms = {name: p.grad.norm().item() for name, p in network.named_parameters() if p.grad is not None}
        cases.append(dict(knobs=knobs, loss=loss.item(), logged=dict(logged), gradientNorms=norms))

    for knobs, settings in (
        (dict(loss=["sigmoid"], beta=0.3, sftWeight=0), dict(loss_types=["sigmoid"], beta=0.3)),
        (dict(loss=["aot", "ipo", "sft"], lossWeights=[1, 0.5, 0.3], beta=0.3),
         dict(loss_types=["aot", "ipo", "sft"], weights=[1, 0.5, 0.3], beta=0.3)),
    ):
        network = model()
        add_fused_lm_head(network, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
        made = dpo(network.train(), **settings)
        inputs = dict(input_ids=ids, attention_mask=seen, completion_mask=answers,
                      ref_chosen_logps=torch.tensor(PAIR_REFERENCE[:2]), ref_rejected_logps=torch.tensor(PAIR_REFERENCE[2:]))
        loss = made._compute_loss(network, inputs, False)
        add(knobs, network, loss, {k: v for k, v in metrics_of(made).items() if k != "num_tokens"})

    # Rows in the order chosen, chosen, rejected, rejected; each prompt with the answer of the row before.
    network = model()
    add_fused_lm_head(network, outputs=("log_probs", "entropy", "mean_logits", "is_top1"))
    made = kto(network.train(), "kto", beta=0.3)
    others = [(sequences[i][0], sequences[i - 1][1]) for i in range(4)]
    other_ids, other_seen, other_answers = padded(others)
    references = [-14.0, -19.0, -22.0, -30.0]
    inputs = dict(input_ids=ids, attention_mask=seen, completion_mask=answers, label=torch.tensor([True, True, False, False]),
                  KL_input_ids=other_ids, KL_attention_mask=other_seen, KL_completion_mask=other_answers,
                  ref_logps=torch.tensor(PAIR_REFERENCE), ref_KL_logps=torch.tensor(references))
    loss = made._compute_loss(network, inputs, False)
    add(dict(method="kto", beta=0.3), network, loss, {k: v for k, v in metrics_of(made).items() if k != "num_tokens"})
    mismatched = dict(answers=[p + a for p, a in others], references=references)

    batch = {}
    for side, rows in (("chosen", slice(0, 2)), ("rejected", slice(2, None))):
        batch[f"{side}_input_ids"], batch[f"{side}_attention_mask"] = ids[rows], seen[rows]
        batch[f"{side}_labels"] = torch.where(answers[rows].bool(), ids[rows], -100)
    for knobs, kind, settings in (
        (dict(method="cpo", beta=0.3), CPOTrainer,
         dict(beta=0.3, loss_type="sigmoid", cpo_alpha=1.0, alpha=0.0, label_smoothing=0.0)),
        (dict(method="orpo", beta=0.3), ORPOTrainer, dict(beta=0.3)),
    ):
        network = model().train()
        loss, logged = trainer(kind, network, **settings).get_batch_loss_metrics(network, batch)
        # TRL's logits/* of these two are means over prompts and padding as well.
        add(knobs, network, loss, {k: v for k, v in logged.items() if not k.startswith("logits/")})
    return dict(pairs=[dict(prompt=p, chosen=c, rejected=r) for p, c, r in PAIRS], references=PAIR_REFERENCE,
                mismatched=mismatched, cases=cases)


if __name__ == "__main__":
    torch.set_num_threads(1)
    expected = dict(
        sets=dict(ordinary=ORDINARY, extreme=EXTREME), labelled=LABELLED, dpo=dpo_cases() + cdpo_cases(), kto=kto_cases(),
        free=free_cases(), model=on_model(),
    )
    Path(TARGET / "preference.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print({key: len(expected[key]) for key in ("dpo", "kto", "free")}, len(expected["model"]["cases"]))
