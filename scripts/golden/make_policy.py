"""Writes test/golden/policy.json: what TRL's own functions make of sampled answers, their gradients and what is logged.

The functions are those of the trainers, not copies: `_compute_loss` and `_generate_and_score_completions` of GRPOTrainer and
RLOOTrainer, and `_chunked_divergence_loss` of DistillationTrainer's module, called on an object that has no more than what
they read. A stub gives every token its log-probability and entropy, every answer its ids, every scorer its rewards.

Two places where TRL is not followed come from it all the same. At sequence level TRL multiplies the KL term by the answer's
ratio; ours is the token's, so that the loss is that of `beta` 0 at sequence level, and the term that of token level with
advantages of 0. Rows without any reward are no part of a batch here; in TRL they have an advantage of 0.

Run with torch 2.15.0, transformers 5.24.0 and trl 1.16.0: python scripts/golden/make_policy.py
and then: npx biome check --write test/golden
"""

import json
import math
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
from make_model import TARGET, compact
from make_preference import accelerator
from trl import GRPOTrainer, RLOOTrainer
from trl.trainer.distillation_trainer import _chunked_divergence_loss

LENGTHS = [3, 1, 4, 2]
ADVANTAGES = [1.25, -0.5, -1.5, 0.75]
# log π now, when it was sampled, and of the reference: ratios beyond both bounds, for good answers and for bad ones.
NOW = [[-0.5, -2.0, -1.25], [-3.0], [-0.125, -1.0, -4.0, -2.5], [-0.75, -1.5]]
OLD = [[-1.0, -1.75, -1.3], [-2.0], [-0.25, -2.5, -3.0, -2.45], [-0.5, -2.0]]
REFERENCE = [[-0.75, -2.5, -1.0], [-2.5], [-0.5, -1.25, -3.5, -2.75], [-1.0, -1.25]]
ENTROPIES = [[0.5, 1.5, 2.0], [0.25], [1.0, 0.75, 3.0, 0.125], [1.75, 2.25]]
MAX_NEW_TOKENS = 6

TEMPERATURES = dict(sapo_temperature_pos=1.0, sapo_temperature_neg=1.05)
VESPO = dict(vespo_k_pos=2.0, vespo_lambda_pos=3.0, vespo_k_neg=3.0, vespo_lambda_neg=2.0)


def padded(rows, width=None):
    width = width or max(map(len, rows))
    return torch.tensor([row + [0.0] * (width - len(row)) for row in rows])


def mask_of(rows):
    return torch.tensor([[1] * len(row) + [0] * (max(map(len, rows)) - len(row)) for row in rows])


def world():
    same = accelerator()
    same.reduce = lambda value, reduction="sum": value
    same.sync_gradients = True
    same.process_index = 0
    return same


def trainer(kind, **settings):
    """An object of the trainer's class without its constructor: the functions read these fields and no others."""
    made = kind.__new__(kind)
    fields = dict(
        model=SimpleNamespace(training=True), accelerator=world(), aux_loss_enabled=False, top_entropy_quantile=1.0,
        off_policy_mask_threshold=None, use_vllm=False, use_adaptive_entropy=False, epsilon_low=0.2, epsilon_high=0.2,
        max_completion_length=MAX_NEW_TOKENS, current_gradient_accumulation_steps=1, beta=0.0,
        _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
    )
    for name, value in {**fields, **settings}.items():
        object.__setattr__(made, name, value)
    return made


def logged_by(made):
    return {name: values[-1] for name, values in made._metrics["train"].items()}


# ---- The losses ---------------------------------------------------------------------------------------------------------


def grpo_loss(rows, knobs, advantages, accumulation=1, all_tokens=None):
    """Loss and gradients by row of TRL's loss over `rows`, as one micro-batch of `accumulation`."""
    pick = lambda table: [table[row] for row in rows]
    now, entropies = padded(pick(NOW)).requires_grad_(), padded(pick(ENTROPIES)).requires_grad_()
    made = trainer(
        GRPOTrainer, loss_type=knobs["policyLoss"], importance_sampling_level=knobs.get("ratioLevel", "token"),
        beta=knobs.get("klWeight", 0.0), epsilon_low=knobs.get("clipLow", 0.2), epsilon_high=knobs["clipHigh"],
        entropy_coef=knobs.get("entropyWeight", 0.0), _entropy_bonus_enabled=knobs.get("entropyWeight", 0.0) > 0,
        current_gradient_accumulation_steps=accumulation,
        args=SimpleNamespace(
            use_bias_correction_kl=True, delta=knobs.get("clipDelta"), steps_per_generation=accumulation,
            **dict(TEMPERATURES, **{k: v for k, v in knobs.get("trl", {}).items() if k in TEMPERATURES}),
            **dict(VESPO, **{k: v for k, v in knobs.get("trl", {}).items() if k in VESPO}),
        ),
        _get_per_token_logps_and_entropies=lambda *_, **__: (now, entropies, None),
    )
    mask = mask_of(pick(NOW))
    inputs = dict(
        prompt_ids=torch.ones(len(rows), 1).long(), prompt_mask=torch.ones(len(rows), 1).long(),
        completion_ids=torch.ones_like(mask), completion_mask=mask, advantages=torch.tensor(pick(advantages)),
        old_per_token_logps=None if knobs.get("onPolicy") else padded(pick(OLD)),
        ref_per_token_logps=padded(pick(REFERENCE)), num_items_in_batch=torch.tensor(float(all_tokens or mask.sum())),
    )
    loss = made._compute_loss(made.model, inputs)
    loss.backward()
    gradients = [now.grad[i, : LENGTHS[row]].tolist() for i, row in enumerate(rows)]
    nothing = torch.zeros_like(entropies)
    slopes = nothing if entropies.grad is None else entropies.grad
    return loss.item(), gradients, slopes.sum().item(), logged_by(made)


def policy_case(knobs, parts=([0, 1, 2, 3],)):
    everything = sum(LENGTHS)
    loss, gradients, slope, logged = 0.0, [], 0.0, {}
    for rows in parts:
        settings = dict(accumulation=len(parts), all_tokens=everything)
        is_mixed = knobs.get("ratioLevel") == "sequence" and knobs.get("klWeight", 0) > 0
        own = {**knobs, "klWeight": 0.0} if is_mixed else knobs
        found = grpo_loss(rows, own, ADVANTAGES, **settings)
        loss, slope, logged = loss + found[0], slope + found[2], found[3]
        gradient = found[1]
        if is_mixed:
            kl = {**knobs, "ratioLevel": "token", "entropyWeight": 0.0}
            kl_loss, kl_gradient, _, kl_logged = grpo_loss(rows, kl, [0.0] * 4, **settings)
            loss, logged = loss + kl_loss, {**logged, "kl": kl_logged["kl"]}
            if "policy_loss" in logged:
                logged["policy_loss"] += kl_loss
            gradient = [[a + b for a, b in zip(*both)] for both in zip(gradient, kl_gradient)]
        gradients += gradient
    names = ("sapo_temperature_pos", "sapo_temperature_neg", "vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg")
    ours = ("sapoTemperaturePositive", "sapoTemperatureNegative", "vespoPowerPositive", "vespoDecayPositive",
            "vespoPowerNegative", "vespoDecayNegative")
    given = {key: value for key, value in knobs.items() if key not in ("trl", "onPolicy")}
    given.update({ours[names.index(key)]: value for key, value in knobs.get("trl", {}).items()})
    if given["policyLoss"] in ("sapo", "vespo"):
        del given["clipHigh"]
    case = dict(knobs=given, loss=loss, gradients=gradients, entropyGradient=slope)
    if len(parts) > 1:
        case["parts"] = parts
    else:
        case["logged"] = {k: v for k, v in logged.items() if k != "entropy_coef"}
    if knobs.get("onPolicy"):
        case["onPolicy"] = True
    return case


def policy_cases():
    cases = []
    clipping = ("dapo", "grpo", "bnpo", "dr_grpo")
    for name in (*clipping, "cispo", "sapo", "luspo", "vespo"):
        levels = ("sequence",) if name == "luspo" else (None,) if name == "vespo" else ("token", "sequence")
        for level in levels:
            for beta in (0.0, 0.04):
                knobs = dict(policyLoss=name, clipHigh=1.5 if name == "cispo" else 0.2, klWeight=beta)
                if level:
                    knobs["ratioLevel"] = level
                cases.append(policy_case(knobs))
            if name in (*clipping, "luspo"):
                cases.append(policy_case(dict(policyLoss=name, ratioLevel=level, clipLow=0.1, clipHigh=0.28)))
                cases.append(policy_case(dict(policyLoss=name, ratioLevel=level, clipHigh=0.2, clipDelta=1.5)))
        one = dict(policyLoss=name, clipHigh=5.0 if name == "cispo" else 0.2, klWeight=0.04)
        if name == "luspo":
            one["ratioLevel"] = "sequence"
        cases.append(policy_case({**one, "onPolicy": True}))
        cases.append(policy_case({**one, "entropyWeight": 0.3}))
        # Two micro-batches of two rows: whatever they are divided by, they are one step. TRL's entropy is a mean of their
        # means, which is ours where they have as many tokens.
        cases.append(policy_case(one, parts=([0, 1], [2, 3])))
        cases.append(policy_case({**one, "entropyWeight": 0.3}, parts=([0, 3], [1, 2])))
    cases.append(policy_case(dict(policyLoss="sapo", clipHigh=0.2, trl=dict(sapo_temperature_pos=2.0, sapo_temperature_neg=0.5))))
    cases.append(policy_case(dict(policyLoss="vespo", clipHigh=0.2, trl=dict(vespo_k_pos=1.0, vespo_lambda_pos=0.5, vespo_k_neg=2.0, vespo_lambda_neg=4.0))))
    return cases


def rloo_case(knobs):
    now, entropies = padded(NOW).requires_grad_(), padded(ENTROPIES)
    made = trainer(
        RLOOTrainer, epsilon_low=knobs["clipLow"], epsilon_high=knobs["clipHigh"],
        _get_per_token_logps_and_entropies=lambda *_, **__: (now, entropies, None),
    )
    mask = mask_of(NOW)
    inputs = dict(
        prompt_ids=torch.ones(4, 1).long(), prompt_mask=torch.ones(4, 1).long(), completion_ids=torch.ones_like(mask),
        completion_mask=mask, advantages=torch.tensor(ADVANTAGES), old_logps=(padded(OLD) * mask).sum(1),
    )
    loss = made._compute_loss(made.model, inputs)
    loss.backward()
    gradients = [now.grad[row, :length].tolist() for row, length in enumerate(LENGTHS)]
    return dict(knobs=knobs, loss=loss.item(), gradients=gradients, entropyGradient=0, logged=logged_by(made))


# ---- Advantages, and what is logged of answers -----------------------------------------------------------------------

NAN = math.nan
REWARDS = {
    "plain": [[1.0, 0.0, 0.5, 0.25, 0.5, 0.5, 0.5, 0.5]],
    "two": [[1.0, 0.0, 0.5, 0.25, 2.0, 0.5, 0.5, 0.5], [100.0, 300.0, 200.0, 100.0, -50.0, 0.0, 50.0, 0.0]],
    "missing": [[1.0, NAN, 0.5, 0.25, NAN, NAN, NAN, 0.75], [10.0, NAN, NAN, 30.0, NAN, 20.0, 5.0, NAN]],
    "lone": [[1.0, 0.0, 0.5, 0.25, NAN, NAN, NAN, 0.75]],
}
ANSWERS = [[5, 6, 2], [7, 2], [8, 9, 10, 11], [2], [3, 3, 3, 3, 3, 2], [4, 2], [9, 9], [6, 2]]
CUT = [[5, 6], [7]] * 4  # none of them ends


def scored(kind, name, answers=ANSWERS, weights=None, **settings):
    rewards = torch.tensor(REWARDS[name]).T  # [answers, scorers]
    size = settings.pop("group", 4)
    count = len(answers)
    width = max(map(len, answers))
    now, reference = settings.pop("now", torch.zeros(count, width)), settings.pop("reference", torch.zeros(count, width))
    own = SimpleNamespace(training=True, is_gradient_checkpointing=False)
    tokenizer = SimpleNamespace(pad_token_id=0, batch_decode=lambda ids, **_: ["" for _ in ids])
    made = trainer(
        kind, model=own, ref_model="reference", num_generations=size, num_generations_eval=size, environment_factories=None, environments=None,
        rollout_func=None, tools=[], mask_truncated_completions=False, pad_to_multiple_of=None, num_iterations=1, _is_vlm=False,
        eos_token_ids=[2], _tokenizer=tokenizer, processing_class=tokenizer, state=SimpleNamespace(num_input_tokens_seen=0),
        args=SimpleNamespace(per_device_train_batch_size=count, gradient_checkpointing_kwargs=None, steps_per_generation=1,
                             gradient_accumulation_steps=1),
        reward_weights=torch.tensor(weights or [1.0] * rewards.shape[1]), reward_funcs=[None] * rewards.shape[1],
        reward_func_names=[f"scorer{i}" for i in range(rewards.shape[1])], log_multimodal=False, reward_clip_range=None,
        normalize_advantages=False, _pending_extra_logs={}, _pending_metrics={},
        _logs=dict(prompt=[], completion=[], rewards=defaultdict(list), advantages=[], extra=defaultdict(list), images=[]),
        _tokenize_prompts=lambda prompts: ([[1]] * count, None, {}),
        _generate_single_turn=lambda *_: answers if kind is RLOOTrainer else (answers, None),
        _calculate_rewards=lambda *_: rewards,
        _get_per_token_logps_and_entropies=lambda model, *_, **__: ((reference if model == "reference" else now), None, None),
        **settings,
    )
    output = made._generate_and_score_completions([dict(prompt="x") for _ in range(count)])
    logged = {k: (None if isinstance(v, float) and math.isnan(v) else v) for k, v in logged_by(made).items() if k != "num_tokens"}
    return output["advantages"].tolist(), logged


def advantage_cases():
    cases = []
    for name, rewards in REWARDS.items():
        several = len(rewards) > 1
        for size in (4, 2):
            for scale in ("group", "batch", "none"):
                weights = [0.5, 0.01] if several and scale == "group" else None
                advantages, logged = scored(GRPOTrainer, name, weights=weights, group=size, scale_rewards=scale,
                                            multi_objective_aggregation="sum_then_normalize")
                cases.append(dict(rewards=name, weights=weights, groupSize=size, scale=scale, advantages=advantages, logged=logged))
            for weights in (None, [2.0, 0.5]) if several else (None,):
                advantages, logged = scored(GRPOTrainer, name, weights=weights, group=size, scale_rewards="group",
                                            multi_objective_aggregation="normalize_then_sum")
                cases.append(dict(rewards=name, weights=weights, groupSize=size, scale="group", mix="normalize-then-sum",
                                  advantages=advantages, logged=logged))
    return cases


def leave_one_out_cases():
    now = [[0.1 * (i + j) - 1 for j in range(len(ids))] for i, ids in enumerate(ANSWERS)]
    reference = [[-0.2 * (i % 3) - 0.7 + 0.05 * j for j in range(len(ids))] for i, ids in enumerate(ANSWERS)]
    kl = [sum(a - b for a, b in zip(*both)) for both in zip(now, reference)]
    cases = []
    for name, rewards in REWARDS.items():
        for size in (4, 2):
            for beta in (0.0, 0.05):
                advantages, logged = scored(RLOOTrainer, name, group=size, beta=beta, now=padded(now), reference=padded(reference))
                cases.append(dict(rewards=name, groupSize=size, klWeight=beta, advantages=advantages, logged=logged))
    return dict(kl=kl, tokens=sum(map(len, ANSWERS)), cases=cases)


def answer_figures():
    """What is logged of the answers' lengths."""
    found = []
    for answers in (ANSWERS, CUT):
        _, logged = scored(GRPOTrainer, "plain", answers=answers, scale_rewards="group", multi_objective_aggregation="sum_then_normalize")
        found.append(dict(lengths=list(map(len, answers)), ended=[ids[-1] == 2 for ids in answers],
                          logged={k: v for k, v in logged.items() if k.startswith("completions/")}))
    return found


# ---- Distillation -------------------------------------------------------------------------------------------------------


def distillation():
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: (torch.randn(*shape, generator=generator) * 1.5).mul(1024).round().div(1024)
    student, teacher = draw(2, 3, 4), draw(2, 3, 6)
    heads = draw(7, 4), draw(7, 6)
    mask = torch.tensor([[1, 1, 1], [1, 0, 1]])
    cases = []
    for beta in (0.0, 0.5, 0.1, 1.0):
        for temperature in (1.0, 0.7):
            hidden, head = student.clone().requires_grad_(), heads[0].clone().requires_grad_()
            loss, entropy, count = _chunked_divergence_loss(hidden, teacher, head, heads[1], mask, beta, temperature=temperature)
            loss.backward()
            cases.append(dict(beta=beta, temperature=temperature, loss=loss.item(), entropy=entropy.item() / count.item(),
                              hiddenGradient=hidden.grad[mask.bool()].tolist(), headGradient=head.grad.tolist()))
    kept = mask.bool()
    return dict(student=student[kept].tolist(), teacher=teacher[kept].tolist(), studentHead=heads[0].tolist(),
                teacherHead=heads[1].tolist(), cases=cases)


if __name__ == "__main__":
    torch.set_num_threads(1)
    rewards = {name: [[None if math.isnan(r) else r for r in row] for row in rows] for name, rows in REWARDS.items()}
    rloo = [rloo_case(dict(clipLow=low, clipHigh=high)) for low, high in ((0.2, 0.2), (0.1, 0.9))]
    expected = dict(
        now=NOW, old=OLD, reference=REFERENCE, entropies=ENTROPIES, advantages=ADVANTAGES, maxNewTokens=MAX_NEW_TOKENS,
        grpo=policy_cases(), rloo=rloo, rewards=rewards, groups=advantage_cases(), leaveOneOut=leave_one_out_cases(),
        answers=answer_figures(), distillation=distillation(),
    )
    Path(TARGET / "policy.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
    print({key: len(expected[key]) for key in ("grpo", "rloo", "groups", "answers")})
