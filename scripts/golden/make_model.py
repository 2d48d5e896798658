"""Writes test/golden/<arch>/: tiny random models and what Hugging Face transformers computes with them.

Our decoder must give the same logits, loss, gradients, greedy text and AdamW steps (test/golden/model.test.ts).
Run: pip install torch transformers safetensors numpy && python scripts/golden/make_model.py
and then: npx biome check --write test/golden
Made with torch 2.15.0 and transformers 5.23.0, fp32, one thread. The seeds are fixed: running it again changes nothing
but the last digits that another machine rounds differently.
"""

import json
import shutil
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

TARGET = Path(__file__).resolve().parents[2] / "test" / "golden"
COMMON = dict(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=20,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=32,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
    attn_implementation="eager",
)
# Each architecture differs in what is easiest to get wrong: tying, biases, head_dim other than hidden/heads, theta, epsilon.
MODELS = {
    "qwen3": (Qwen3ForCausalLM, Qwen3Config, dict(head_dim=8, tie_word_embeddings=True, rms_norm_eps=1e-6, rope_theta=1e4)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, dict(tie_word_embeddings=False, rms_norm_eps=1e-2, rope_theta=500.0)),
    "llama": (LlamaForCausalLM, LlamaConfig, dict(head_dim=4, attention_bias=True, tie_word_embeddings=False, rms_norm_eps=1e-5, rope_theta=5e5)),
}
# Gradients written in full; of all the others, the norm.
FULL = ("embed_tokens.weight", "layers.0.self_attn.k_proj", "layers.0.self_attn.q_norm", "layers.1.self_attn.q_proj.bias", "self_attn.o_proj.bias",
        "layers.1.input_layernorm", "model.norm")
ADAMW = dict(learningRate=0.01, beta1=0.9, beta2=0.95, epsilon=1e-8, weightDecay=0.1, clipNorm=1.0, steps=3)


def build(model_class, config_class, extra):
    theta = extra.pop("rope_theta")
    config = config_class(**COMMON, **extra, rope_parameters={"rope_type": "default", "rope_theta": theta})
    torch.manual_seed(1234)
    model = model_class(config)
    with torch.no_grad():  # far from the usual small initial values, so that a wrong scale or a lost bias shows
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
            elif name.endswith("bias"):
                parameter.copy_(0.5 * torch.randn_like(parameter))
            else:
                parameter.copy_(0.35 * torch.randn_like(parameter))
    return model.eval()


def greedy(model, prompt, count):
    """Argmax without a cache; no step may be so close that rounding decides it."""
    ids = prompt.clone()
    for _ in range(count):
        top = model(ids, use_cache=False).logits[:, -1].topk(2, dim=-1)
        assert (top.values[:, 0] - top.values[:, 1]).min() > 1e-2, "two tokens nearly tie: take another seed"
        ids = torch.cat([ids, top.indices[:, :1]], dim=1)
    return ids[:, prompt.shape[1]:]


def train(model, ids):
    """torch.optim.AdamW with decay on matrices only, global-norm clip; the loss before each step and after the last."""
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": ADAMW["weightDecay"]},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=ADAMW["learningRate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["epsilon"])
    losses, norms = [], []
    for _ in range(ADAMW["steps"]):
        optimizer.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), ADAMW["clipNorm"]).item())
        optimizer.step()
        losses.append(loss.item())
    losses.append(model(ids, labels=ids).loss.item())
    return {**ADAMW, "losses": losses, "gradientNorms": norms}


def compact(value, digits=7):
    """Plain JSON values: seven digits of a number, five of each element of a tensor (compared to 1e-4 of the largest)."""
    if isinstance(value, torch.Tensor):
        return compact(value.detach().flatten().tolist(), 5)
    if isinstance(value, dict):
        return {key: compact(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [compact(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def main():
    torch.set_num_threads(1)
    for arch, (model_class, config_class, extra) in MODELS.items():
        folder = TARGET / arch
        shutil.rmtree(folder, ignore_errors=True)
        model = build(model_class, config_class, dict(extra))
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)

        ids = torch.randint(3, COMMON["vocab_size"], (2, 12), generator=torch.Generator().manual_seed(7))
        output = model(ids, labels=ids)
        output.loss.backward()
        gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
        generated = greedy(model, ids[:, :5], 10)
        expected = {
            "ids": ids.tolist(),
            "logits": output.logits,
            "loss": output.loss.item(),
            "gradientNorms": {name: g.norm().item() for name, g in gradients.items()},
            "gradients": {name: g for name, g in gradients.items() if any(part in name for part in FULL)},
            "greedy": {"prompt": ids[:, :5].tolist(), "tokens": generated.tolist()},
            "adamw": train(model, ids),
        }
        text = json.dumps(compact(expected), separators=(",", ":"))
        (folder / "expected.json").write_text(text + "\n")
        print(arch, "loss", expected["loss"], expected["adamw"], sum(file.stat().st_size for file in folder.iterdir()), "bytes")


if __name__ == "__main__":
    main()
