"""Writes test/golden/adapters/<case>/: adapters as PEFT saves them, and the logits of the model under each.

The bases are the tiny models of test/interop/fixtures; each case has what is easiest to get wrong in a kind of adapter
(test/golden/adapters.test.ts). Weights are rounded to bfloat16 before anything is computed, so that small files hold them.
Run: pip install torch transformers peft safetensors && python scripts/golden/make_adapters.py
and then: npx biome check --write test/golden/adapters
Made with torch 2.15.0, transformers 5.24.0 and peft 0.21.2, fp32, one thread.
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

TESTS = Path(__file__).resolve().parents[2] / "test"
BASES = TESTS / "interop" / "fixtures"
TARGET = TESTS / "golden" / "adapters"
IDS = [[5, 40, 200, 17, 300, 301, 9, 77, 120, 33], [64, 3, 311, 250, 8, 8, 90, 301, 300, 12]]
KEPT = [9]  # positions of the logits

LLAMA, QWEN3, UNTIED = "llama-3.2", "qwen3", "qwen3-yarn"  # two of them tied
CASES = {
    "plain": (LLAMA, dict(r=4, lora_alpha=10, target_modules=["q_proj", "v_proj", "down_proj"])),
    "rslora": (QWEN3, dict(r=3, lora_alpha=8, use_rslora=True, target_modules="all-linear")),
    "patterns": (QWEN3, dict(
        r=4, lora_alpha=8, use_rslora=True, target_modules=r"model\.layers\.\d\.(self_attn\.[qk]_proj|mlp\.(up|down)_proj)",
        exclude_modules=["layers.0.mlp.up_proj"],
        rank_pattern={"down_proj": 6, r"layers\.1\.self_attn\.[a-q]_proj": 2}, alpha_pattern={"q_proj": 3, "0.mlp.down_proj": 5})),
    "layers": (LLAMA, dict(r=2, lora_alpha=4, target_modules=["o_proj", "gate_proj"], layers_to_transform=[1], layers_pattern="layers")),
    "dora": (LLAMA, dict(r=4, lora_alpha=6, use_dora=True, target_modules=["k_proj", "gate_proj", "o_proj"])),
    "tokens": (QWEN3, dict(r=2, lora_alpha=4, target_modules=["q_proj"], trainable_token_indices=[300, 17, 8])),
    "new-tokens": (QWEN3, dict(r=2, lora_alpha=4, target_modules=["q_proj"], trainable_token_indices=[370, 17, 368])),
    "head": (LLAMA, dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["lm_head", "input_layernorm"])),
    "embedding": (QWEN3, dict(r=2, lora_alpha=6, target_modules=["q_proj", "embed_tokens"])),
    "both-ends": (QWEN3, dict(r=2, lora_alpha=6, target_modules=["v_proj", "embed_tokens"], ensure_weight_tying=True)),
    "untied": (UNTIED, dict(r=2, lora_alpha=6, target_modules=["v_proj", "lm_head", "embed_tokens"])),
    "tied-head": (LLAMA, dict(r=2, lora_alpha=6, target_modules=["v_proj", "lm_head"])),
    "score": (LLAMA, dict(r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"])),
}


def open_base(name, base):
    torch.manual_seed(7)
    if name == "score":
        return AutoModelForSequenceClassification.from_pretrained(BASES / base, dtype=torch.float32, num_labels=1, pad_token_id=0)
    model = AutoModelForCausalLM.from_pretrained(BASES / base, dtype=torch.float32)
    if name == "new-tokens":
        model.resize_token_embeddings(372)
    return model


def fill(model, with_ends):
    """Far from the initial values, so that a wrong scale, order or side shows; all of it in bfloat16's numbers."""
    generator = torch.Generator().manual_seed(99)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            own = "lora_" in name or "trainable_tokens" in name or "modules_to_save" in name
            if own and "magnitude" in name:
                parameter.mul_(0.5 + torch.rand(parameter.shape, generator=generator))
            elif own:
                parameter.copy_((1 if "norm" in name else 0) + 0.4 * torch.randn(parameter.shape, generator=generator))
            if own or with_ends and ("embed_tokens" in name or "lm_head" in name):
                parameter.copy_(parameter.to(torch.bfloat16).float())


def main():
    torch.set_num_threads(1)
    for name, (base, options) in CASES.items():
        folder = TARGET / name
        shutil.rmtree(folder, ignore_errors=True)
        task = "SEQ_CLS" if name == "score" else "CAUSAL_LM"
        model = get_peft_model(open_base(name, base), LoraConfig(task_type=task, **options)).eval()
        # Where embedding and head are saved with the adapter.
        fill(model, name in ("new-tokens", "embedding", "both-ends", "untied", "tied-head"))
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        weights = folder / "adapter_model.safetensors"
        save_file({key: value.to(torch.bfloat16) for key, value in load_file(weights).items()}, weights, {"format": "pt"})
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = f"../../../interop/fixtures/{base}"
        if isinstance(config["target_modules"], list):
            config["target_modules"].sort()
        (folder / "adapter_config.json").write_text(json.dumps(config))
        with torch.no_grad():
            ids = [row[:-1] + [370] for row in IDS] if name == "new-tokens" else IDS
            run = lambda: model(input_ids=torch.tensor(ids)).logits[:, 0 if name == "score" else KEPT]
            result = run()
            with model.disable_adapter():
                change = float((result - run()).abs().max())
        expected = {"base": base, "ids": ids, "kept": KEPT, "change": change,
                    "logits": [float(f"{value:.7g}") for value in result.flatten().tolist()]}
        (folder / "expected.json").write_text(json.dumps(expected))
        print(f"{name}: changes logits by up to {change}")


if __name__ == "__main__":
    main()
