"""Writes test/golden/lora.json: which modules PEFT gives an adapter, of what rank and scale, and what it computes with them.

The base is test/golden/qwen3 (make_model.py); adapters get values by a formula that the test repeats.
Run: pip install torch transformers peft && python scripts/golden/make_lora.py
and then: npx biome check --write test/golden/lora.json
Made with torch 2.15.0, transformers 5.24.0 and peft 0.21.2, fp32, one thread.
"""

import json
import math

import torch
from make_model import TARGET, compact
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

# As LoraConfig takes them; the test reads the same keys.
CASES = {
    "plain": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]),
    "rslora": dict(r=16, lora_alpha=4, use_rslora=True, target_modules="all-linear"),
    "suffixes and whole names": dict(r=2, lora_alpha=2, target_modules=["mlp.up_proj", "model.layers.1.self_attn.k_proj"]),
    "a regular expression": dict(r=2, lora_alpha=1, target_modules=r"model\.layers\.\d+\.self_attn\.[qk]_proj"),
    # The first pattern that matches counts; one must match from a dot on: `proj` alone is the end of no segment.
    "patterns": dict(
        r=3,
        lora_alpha=6,
        target_modules="all-linear",
        rank_pattern={"0.mlp.down_proj": 8, "down_proj": 5, r"layers\.1\..*(q|k)_proj": 2, "v_proj|o_proj": 1},
        alpha_pattern={"v_proj": 16, r"model\.layers\.0.*": 3, "proj": 100},
    ),
    "rslora with patterns": dict(
        r=4, lora_alpha=8, use_rslora=True, target_modules="all-linear", rank_pattern={"gate_proj": 9}, alpha_pattern={"up_proj": 1}
    ),
}
COMPUTED = ("plain", "patterns", "rslora with patterns")
ADAMW = dict(learningRate=0.01, beta1=0.9, beta2=0.95, epsilon=1e-8, weightDecay=0.0, clipNorm=1.0, steps=3)


def fill(model):
    """A's and B's values: cosines of their place, so that neither is zero."""
    for index, (name, parameter) in enumerate(sorted(trained(model))):
        places = torch.arange(parameter.numel(), dtype=torch.float64)
        parameter.data.copy_((0.3 * torch.cos(0.7 * places + index)).reshape(parameter.shape))


def trained(model):
    """Under the names that adapter_model.safetensors has, less PEFT's prefix."""
    return [(n.removeprefix("base_model.model.").replace(".default", ""), p) for n, p in model.named_parameters() if p.requires_grad]


def main():
    torch.set_num_threads(1)
    ids = torch.tensor(json.loads((TARGET / "qwen3" / "expected.json").read_text())["ids"])
    result = {}
    for title, settings in CASES.items():
        base = AutoModelForCausalLM.from_pretrained(TARGET / "qwen3", attn_implementation="eager", dtype=torch.float32)
        model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings))
        modules = {
            name.removeprefix("base_model.model."): [layer.r["default"], layer.scaling["default"]]
            for name, layer in model.named_modules()
            if hasattr(layer, "lora_A")
        }
        for name, parameter in trained(model):
            bound = 0 if "lora_B" in name else 1 / math.sqrt(parameter.shape[1])
            assert parameter.abs().max() <= bound, name
        case = result[title] = {"settings": settings, "modules": modules}
        if title not in COMPUTED:
            continue
        fill(model)
        output = model(ids, labels=ids)
        output.loss.backward()
        gradients = {name: p.grad.clone() for name, p in trained(model)}
        case["loss"] = output.loss.item()
        case["logits"] = output.logits[0, -1]
        case["gradientNorms"] = {name: g.norm().item() for name, g in gradients.items()}
        case["gradients"] = {name: g for name, g in gradients.items() if "layers.0.self_attn.v_proj" in name}
        optimizer = torch.optim.AdamW(
            [p for _, p in trained(model)], lr=ADAMW["learningRate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["epsilon"], weight_decay=0.0
        )
        losses = []
        for _ in range(ADAMW["steps"]):
            optimizer.zero_grad()
            loss = model(ids, labels=ids).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), ADAMW["clipNorm"])
            optimizer.step()
            losses.append(loss.item())
        losses.append(model(ids, labels=ids).loss.item())
        case["adamw"] = {**ADAMW, "losses": losses}
        print(title, losses)
    text = json.dumps(compact(result), separators=(",", ":"))
    (TARGET / "lora.json").write_text(text + "\n")
    print(len(text), "bytes")


if __name__ == "__main__":
    main()
