"""Writes test/golden/rope/: rotary frequencies and logits of Hugging Face transformers, for every RoPE type that we open.

`tables` are configurations as they are published (both spellings), `models` are tiny random ones read far beyond the
context that they were trained on (test/golden/rope.test.ts). Weights are shared: only rope_parameters differ.
Run: pip install torch transformers safetensors numpy && python scripts/golden/make_rope.py
and then: npx biome check --write test/golden/rope
Made with torch 2.15.0 and transformers 5.23.0, fp32, one thread.
"""

import json
import shutil

import torch
from make_model import TARGET, compact
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

CLASSES = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}
FIELDS = (
    "architectures model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads "
    "head_dim max_position_embeddings rms_norm_eps rope_parameters tie_word_embeddings attention_bias hidden_act "
    "bos_token_id eos_token_id pad_token_id"
).split()
LLAMA3 = dict(factor=32.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=8192, rope_type="llama3")

# Name → architecture, head_dim, context, and the rotary fields as they stand in somebody's config.json.
TABLES = {
    "default": ("qwen3", 128, 40960, dict(rope_theta=1e6)),
    "Llama 3.2": ("llama", 64, 131072, dict(rope_theta=5e5, rope_scaling=LLAMA3)),
    "Llama 3.1, new spelling": ("llama", 128, 131072, dict(rope_parameters=dict(LLAMA3, factor=8.0, rope_theta=5e5))),
    "linear": ("llama", 128, 16384, dict(rope_theta=1e4, rope_scaling=dict(type="linear", factor=4.0))),
    "Qwen3 with YaRN": (
        "qwen3", 128, 131072,
        dict(rope_theta=1e6, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)),
    ),
    "YaRN, context from max_position_embeddings": ("qwen3", 64, 4096, dict(rope_theta=1e4, rope_scaling=dict(type="yarn", factor=16.0))),
    "YaRN, mscale": (
        "qwen3", 64, 163840,
        dict(rope_theta=1e4, rope_scaling=dict(
            type="yarn", factor=40.0, mscale=0.707, mscale_all_dim=1.0, beta_fast=32, beta_slow=1, original_max_position_embeddings=4096)),
    ),
    "YaRN, every field": (
        "qwen3", 96, 65536,
        dict(rope_parameters=dict(
            rope_type="yarn", rope_theta=1.5e5, factor=32.0, beta_fast=24.0, beta_slow=2.0, truncate=False, attention_factor=1.2,
            original_max_position_embeddings=4096)),
    ),
    "YaRN, one dimension between": ("qwen3", 8, 64, dict(rope_theta=100.0, rope_scaling=dict(type="yarn", factor=8.0, original_max_position_embeddings=4))),
}

TINY = dict(
    vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
    max_position_embeddings=64, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager",
)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=32)
MODELS = {
    "linear": ("llama", dict(rope_type="linear", rope_theta=1e4, factor=2.5)),
    "llama3": ("llama", dict(LLAMA3, rope_theta=1e4, factor=8.0, original_max_position_embeddings=32)),
    "yarn": ("qwen3", YARN),
    "yarn with its own attention factor": ("qwen3", dict(YARN, attention_factor=0.8, beta_fast=4.0, beta_slow=0.5, truncate=False)),
    "yarn with mscale": ("qwen3", dict(YARN, mscale=0.707, mscale_all_dim=1.4)),
}
COLUMNS = [20, 39, 63]  # the original context ends at 32


def table(arch, head_dim, context, rope):
    config_class, model_class = CLASSES[arch]
    sizes = dict(TINY, head_dim=head_dim, hidden_size=2 * head_dim, max_position_embeddings=context)
    raw = {"architectures": [model_class.__name__], "model_type": arch, "rms_norm_eps": 1e-6, "hidden_act": "silu", **sizes, **rope}
    raw.pop("attn_implementation")
    embedding = model_class(config_class.from_dict(json.loads(json.dumps(raw)))).model.rotary_emb
    return {"config": raw, "frequencies": embedding.inv_freq, "scale": float(embedding.attention_scaling)}


def build(arch, rope):
    config_class, model_class = CLASSES[arch]
    torch.manual_seed(99)
    model = model_class(config_class(**TINY, rope_parameters=dict(rope)))
    with torch.no_grad():  # far from the usual small initial values, so that attention is sharp and a wrong angle shows
        for name, parameter in model.named_parameters():
            parameter.copy_((1 if "norm" in name else 0) + 0.35 * torch.randn_like(parameter))
    return model.eval()


def main():
    torch.set_num_threads(1)
    folder = TARGET / "rope"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ids = torch.randint(3, TINY["vocab_size"], (1, 64), generator=torch.Generator().manual_seed(7))
    models = {}
    for name, (arch, rope) in MODELS.items():
        model = build(arch, rope)
        weights = {key: value for key, value in model.state_dict().items() if key != "lm_head.weight"}
        save_file(weights, folder / f"{arch}.safetensors", metadata={"format": "pt"})  # the same for each of the architecture
        config = {key: value for key, value in model.config.to_dict().items() if key in FIELDS}
        config["architectures"] = [type(model).__name__]
        embedding = model.model.rotary_emb
        models[name] = {
            "weights": f"{arch}.safetensors",
            "config": config,
            "frequencies": embedding.inv_freq,
            "scale": float(embedding.attention_scaling),
            "logits": model(ids).logits[0, COLUMNS],
        }
    for arch in CLASSES:
        logits = [each["logits"] for each in models.values() if each["weights"].startswith(arch)]
        for other in logits[1:]:
            assert (other - logits[0]).abs().max() > 0.05, "two cases hardly differ"
    expected = {"ids": ids[0].tolist(), "columns": COLUMNS, "models": models, "tables": {name: table(*each) for name, each in TABLES.items()}}
    (folder / "expected.json").write_text(json.dumps(precise(expected), separators=(",", ":")) + "\n")
    print(sum(file.stat().st_size for file in folder.iterdir()), "bytes")


def precise(value):
    """As compact, but frequencies keep the eight digits that an fp32 number has."""
    if isinstance(value, dict):
        return {
            key: [float(f"{x:.8g}") for x in item.tolist()] if key == "frequencies" else precise(item) for key, item in value.items()
        }
    return compact(value, 9)


if __name__ == "__main__":
    main()
