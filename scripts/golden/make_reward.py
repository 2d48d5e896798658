"""Writes test/golden/reward/<arch>/: tiny random reward models and the scores that Hugging Face transformers gives.

…ForSequenceClassification with one label; the batch is padded on the right, on the left, and not at all
(test/golden/reward.test.ts).
Run: pip install torch transformers safetensors numpy && python scripts/golden/make_reward.py
and then: npx biome check --write test/golden/reward
Made with torch 2.15.0 and transformers 5.23.0, fp32, one thread.
"""

import json
import shutil

import torch
from make_model import COMMON, MODELS, TARGET, compact
from transformers import LlamaForSequenceClassification, Qwen2ForSequenceClassification, Qwen3ForSequenceClassification

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
        print(arch, alone.tolist(), sum(file.stat().st_size for file in folder.iterdir()), "bytes")


if __name__ == "__main__":
    main()
