"""Writes test/checkpoint/fixtures/configs.json: config.json files as people meet them, and what transformers makes of each.

Our reader must fill in the same values (test/checkpoint/hf-config.test.ts).
Run: pip install torch transformers && python scripts/golden/make_configs.py
and then: npx biome check --write test/checkpoint/fixtures/configs.json
Made with transformers 5.23.0.
"""

import json
import tempfile
from pathlib import Path

from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

TARGET = Path(__file__).resolve().parents[2] / "test" / "checkpoint" / "fixtures" / "configs.json"

LLAMA_32 = dict(  # the fields of a published Llama-3.2-1B-Instruct, old spelling
    architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=False, attention_dropout=0.0, bos_token_id=128000,
    eos_token_id=[128001, 128008, 128009], head_dim=64, hidden_act="silu", hidden_size=2048, initializer_range=0.02,
    intermediate_size=8192, max_position_embeddings=131072, mlp_bias=False, num_attention_heads=32, num_hidden_layers=16,
    num_key_value_heads=8, pretraining_tp=1, rms_norm_eps=1e-05,
    rope_scaling=dict(factor=32.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=8192, rope_type="llama3"),
    rope_theta=500000.0, tie_word_embeddings=True, torch_dtype="bfloat16", transformers_version="4.45.0.dev0", use_cache=True, vocab_size=128256,
)
QWEN_25 = dict(  # Qwen2.5-0.5B-Instruct
    architectures=["Qwen2ForCausalLM"], model_type="qwen2", attention_dropout=0.0, bos_token_id=151643, eos_token_id=151645, hidden_act="silu",
    hidden_size=896, initializer_range=0.02, intermediate_size=4864, max_position_embeddings=32768, max_window_layers=21,
    num_attention_heads=14, num_hidden_layers=24, num_key_value_heads=2, rms_norm_eps=1e-06, rope_theta=1000000.0, sliding_window=32768,
    tie_word_embeddings=True, torch_dtype="bfloat16", use_cache=True, use_sliding_window=False, vocab_size=151936,
)
QWEN_3 = dict(  # Qwen3-0.6B
    architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=False, attention_dropout=0.0, bos_token_id=151643,
    eos_token_id=151645, head_dim=128, hidden_act="silu", hidden_size=1024, initializer_range=0.02, intermediate_size=3072,
    max_position_embeddings=40960, max_window_layers=28, num_attention_heads=16, num_hidden_layers=28, num_key_value_heads=8,
    rms_norm_eps=1e-06, rope_scaling=None, rope_theta=1000000, sliding_window=None, tie_word_embeddings=True, torch_dtype="bfloat16",
    use_cache=True, use_sliding_window=False, vocab_size=151936,
)


def without(config, *keys):
    return {key: value for key, value in config.items() if key not in keys}


CASES = {
    "Llama-3.2": LLAMA_32,
    "Llama-3.2, new spelling": {
        **without(LLAMA_32, "rope_scaling", "rope_theta", "torch_dtype"), "dtype": "bfloat16",
        "rope_parameters": {**LLAMA_32["rope_scaling"], "rope_theta": 500000.0},
    },
    "llama3 without its original context": {
        **LLAMA_32, "rope_scaling": without(LLAMA_32["rope_scaling"], "original_max_position_embeddings"),
    },
    "llama3, original context beside the block": {**LLAMA_32, "original_max_position_embeddings": 4096},
    "Llama with nothing but its type": {"model_type": "llama"},
    "Llama with nulls": {"model_type": "llama", "num_key_value_heads": None, "head_dim": None, "rope_scaling": None, "pad_token_id": None},
    "Llama, linear, oldest spelling": {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 20000},
    "both spellings: rope_scaling counts": {
        "model_type": "llama", "rope_theta": 500.0, "rope_scaling": {"rope_type": "linear", "factor": 2.0},
        "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 700.0},
    },
    "rope_theta inside counts": {"model_type": "llama", "rope_theta": 500.0, "rope_parameters": {"rope_type": "default", "rope_theta": 700.0}},
    "rope_type before type": {"model_type": "llama", "rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 2.0}},
    "Qwen2.5": QWEN_25,
    "Qwen2 with nothing but its type": {"model_type": "qwen2"},
    "Qwen2 with key heads null": {"model_type": "qwen2", "num_key_value_heads": None, "num_attention_heads": 8},
    "Qwen2 yarn, as its model card says": {
        **QWEN_25, "rope_scaling": {"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"}, "max_position_embeddings": 131072,
    },
    "Qwen3": QWEN_3,
    "Qwen3 with nothing but its type": {"model_type": "qwen3"},
    "Qwen3 without head_dim": without(QWEN_3, "head_dim"),
    "Qwen3 yarn": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}},
    "yarn without original context": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    "yarn with factor null": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": None, "original_max_position_embeddings": 10240}},
    "yarn with mscale": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 40.0, "mscale": 1.0, "mscale_all_dim": 0.8, "original_max_position_embeddings": 4096}},
    "yarn with mscale alone": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 40.0, "mscale": 0.7, "original_max_position_embeddings": 4096}},
    "yarn, everything said": {
        **QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 2.5, "attention_factor": 0.9, "beta_fast": 16.0, "beta_slow": 2.0,
                                   "truncate": False, "original_max_position_embeddings": 4096},
    },
    "yarn that shrinks": {**QWEN_3, "rope_scaling": {"rope_type": "yarn", "factor": 0.5, "original_max_position_embeddings": 4096}},
}


def angles(config):
    """Every fifth frequency, in radians a position, and what cosines and sines are multiplied by."""
    compute = ROPE_INIT_FUNCTIONS.get(config.rope_parameters["rope_type"]) or LlamaRotaryEmbedding.compute_default_rope_parameters
    frequencies, scale = compute(config)
    return {"every": 5, "frequencies": frequencies[::5].tolist(), "scale": float(scale)}


def read(raw):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(raw))
        config = AutoConfig.from_pretrained(folder)
    names = ["model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
             "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"]
    rope = {key: config.rope_parameters[key] for key in ("rope_type", "rope_theta")}  # the rest shows in the angles
    return {
        **{name: getattr(config, name) for name in names},
        "head_dim": getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads,  # as modeling_*.py does
        "attention_bias": getattr(config, "attention_bias", False),
        "rope": rope,
        "angles": angles(config),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps([{"name": name, "config": raw, "expected": read(raw)} for name, raw in CASES.items()], indent=1) + "\n")
