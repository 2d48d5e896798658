"""Writes test/golden/reward/<arch>/: tiny random reward models and the scores that Hugging Face transformers gives.

…ForSequenceClassification with one label; the batch is padded on the right, on the left, and not at all
(test/golden/reward.test.ts). Beside them, in pairs.json, the loss that TRL's RewardTrainer computes of pairs, with and without
margins and centring, and its gradients (test/golden/reward-loss.test.ts).
Run: pip install torch transformers trl==1.16.0 safetensors numpy && python scripts/golden/make_reward.py
and then: npx biome check --write test/golden/reward
Made with torch 2.15.0, transformers 5.23.0 (pairs.json: 5.24.0, with trl 1.16.0), fp32, one thread.
"""

import json
import shutil
from collections import defaultdict
from types import SimpleNamespace

import torch
from make_model import COMMON, MODELS, TARGET, compact
from transformers import LlamaForSequenceClassification, Qwen2ForSequenceClassification, Qwen3ForSequenceClassification
from trl import RewardTrainer

CLASSES = {"qwen3": Qwen3ForSequenceClassification, "qwen2": Qwen2ForSequenceClassification, "llama": LlamaForSequenceClassification}
SIZES = dict(vocab_size=32, num_hidden_layers=1, num_labels=1)
LENGTHS = (9, 4, 12)
WEIGHTS = (1.0, -2.0, 0.5)
PAD = COMMON["pad_token_id"]


def build(arch):
    _, config_class, extra = MODELS[arch]
    extra = dict(extra)
    theta = extra.pop("rope_theta")
    config = config_class(**{**COMMON, **SIZES}, **extra, rope_parameters={"rope_type": "default", "rope_theta": theta})
    torch.manual_seed(4321)
    model = CLASSES[arch](config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_((1 if "norm" in name else 0) + 0.35 * torch.randn_like(parameter))
    return model.eval()


def padded(rows, side):
    width = max(len(row) for row in rows)
    fill = [[PAD] * (width - len(row)) for row in rows]
    ids = torch.tensor([pad + row if side == "left" else row + pad for row, pad in zip(rows, fill)])
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


PROMPTS = ([7, 8, 9], [10, 11, 12, 13, 14], [15])
CHOSEN = ([20, 21], [22, 23, 24, 25], [26, 27, 28])
REJECTED = ([20, 29, 30, 31], [5, 6], [26, 28])
MARGINS = (0.5, -0.25, 2.0)
CASES = {"plain": (False, None), "margin": (True, None), "centring": (False, 0.01), "both": (True, 0.3)}


def trl_loss(model, inputs, coefficient):
    """The method of the released class, on as much of a trainer as it looks at."""
    trainer = SimpleNamespace(
        model=model,
        args=SimpleNamespace(center_rewards_coefficient=coefficient),
        accelerator=SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x),
        _metrics={"eval": defaultdict(list)},
        _total_train_tokens=0,
    )
    loss = RewardTrainer.compute_loss(trainer, model, dict(inputs))
    return loss, {name: values[0] for name, values in trainer._metrics["eval"].items()}


def pairs(model):
    rows = [prompt + answer for answers in (CHOSEN, REJECTED) for prompt, answer in zip(PROMPTS, answers)]
    cases = {}
    for name, (has_margin, coefficient) in CASES.items():
        model.zero_grad()
        inputs = padded(rows, "right")
        if has_margin:
            inputs["margin"] = torch.tensor(MARGINS)
        loss, figures = trl_loss(model, inputs, coefficient)
        loss.backward()
        norms = {name: p.grad.norm().item() for name, p in model.named_parameters()}
        cases[name] = {
            "hasMargin": has_margin,
            "centerWeight": coefficient or 0,
            "loss": loss.item(),
            "accuracy": figures["accuracy"],
            "margin": figures["margin"],
            "gradientNorms": norms,
        }
    return {"prompts": PROMPTS, "chosen": CHOSEN, "rejected": REJECTED, "margins": MARGINS, "cases": cases}


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(11)
    rows = [torch.randint(3, SIZES["vocab_size"], (length,), generator=generator).tolist() for length in LENGTHS]
    for arch in CLASSES:
        folder = TARGET / "reward" / arch
        shutil.rmtree(folder, ignore_errors=True)
        model = build(arch)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        scores = {side: model(**padded(rows, side)).logits[:, 0] for side in ("right", "left")}
        alone = torch.stack([model(torch.tensor([row])).logits[0, 0] for row in rows])
        for each in scores.values():
            torch.testing.assert_close(each, alone, rtol=1e-4, atol=1e-4)
        (scores["right"] * torch.tensor(WEIGHTS)).sum().backward()
        expected = {
            "rows": rows,
            "scores": alone,
            "weights": WEIGHTS,  # of the scores in the sum that is differentiated
            "gradientNorms": {name: p.grad.norm().item() for name, p in model.named_parameters()},
            "parameters": sum(p.numel() for p in model.parameters()),
        }
        (folder / "expected.json").write_text(json.dumps(compact(expected), separators=(",", ":")) + "\n")
        (folder / "pairs.json").write_text(json.dumps(compact(pairs(model)), separators=(",", ":")) + "\n")
        print(arch, alone.tolist(), sum(file.stat().st_size for file in folder.iterdir()), "bytes")


if __name__ == "__main__":
    main()
