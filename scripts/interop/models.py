"""Tiny random models as complete Hugging Face directories: weights, configuration, tokenizer, chat template.

Each has the structure of a published model (Llama 3.2, Qwen2.5, Qwen3) at a thousandth of the size, and differs from the
others in what is easiest to get wrong. `python models.py` writes test/interop/fixtures/ and what transformers computes
with them (see reference.py); then run `npx biome check --write test/interop`. `python models.py FOLDER` only builds.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from reference import compact, compute

HERE = Path(__file__).resolve().parent
INTEROP_TESTS = HERE.parents[1] / "test" / "interop"
CASES = json.loads((INTEROP_TESTS / "cases.json").read_text())
KEPT_POSITIONS = [49, 99]  # of the logits, in the committed fixtures

LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")

LLAMA3_SPECIAL = [
    "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eom_id|>", "<|eot_id|>", "<|python_tag|>", "<|reserved_special_token_3|>",
]
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
]
QWEN_ADDED = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|repo_name|>"]
QWEN3_ADDED = ["<tool_response>", "</tool_response>", "<think>", "</think>"]

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog answers that the day is long and the fox is there again.",
    "I'll say that you're right, we've done it, they'd go and it's what I'm saying; that isn't the other thing.",
    "def answer(x: int) -> int:\n    return x + 1\n\nfor i in range(10):\n    print(answer(i))\n    # the answer\n",
    "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。春天的风，春天的雨，春天的花，都是春天的。",
    "你好，请问你是谁？我是一个语言模型。你好！什么是语言模型？语言模型是回答问题的模型。",
    "In 2024 there were 365 or 366 days, 1024 bytes and 2048 tokens; user, system and assistant take turns.",
] * 4
UNREACHABLE = ["interoperability", "\u0120interoperability", "互操作性"]  # in the vocabulary, but no merges lead to them


def train_bpe(split, merges):
    """Byte-level BPE of `merges` merges; the 256 bytes come first, as in GPT-2's and Llama-3's vocabularies."""
    trainee = Tokenizer(models.BPE())
    trainee.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(split), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainee.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=256 + merges, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(trainee.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def llama3_tokenizer():
    vocab, merges = train_bpe(LLAMA3_SPLIT, 96)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for text in UNREACHABLE:
        spelt = "".join(part for part, _ in byte_level.pre_tokenize_str(text.replace("\u0120", " ")))
        vocab[spelt] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=True, trim_offsets=True, use_regex=True)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in LLAMA3_SPECIAL])
    bos = "<|begin_of_text|>"
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(add_prefix_space=True, trim_offsets=False, use_regex=True),
        processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))])])
    return tokenizer


def qwen_tokenizer(added):
    vocab, merges = train_bpe(QWEN2_SPLIT, 90)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in QWEN_SPECIAL])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in added])
    return tokenizer


def llama3_family():
    tokenizer = llama3_tokenizer()
    ids = {name: tokenizer.token_to_id(text) for name, text in
           [("bos", "<|begin_of_text|>"), ("end", "<|end_of_text|>"), ("eom", "<|eom_id|>"), ("eot", "<|eot_id|>")]}
    return {
        "tokenizer": tokenizer,
        "template": "llama-3.2-instruct.jinja",
        "vocab_size": tokenizer.get_vocab_size(),
        "tokenizer_config": {
            "bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "clean_up_tokenization_spaces": True,
            "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 131072,
            "tokenizer_class": "PreTrainedTokenizerFast",
        },
        "special_tokens_map": {"bos_token": role("<|begin_of_text|>"), "eos_token": role("<|eot_id|>")},
        "config": {"bos_token_id": ids["bos"], "eos_token_id": [ids["end"], ids["eom"], ids["eot"]]},
        "generation_config": {
            "bos_token_id": ids["bos"], "eos_token_id": [ids["end"], ids["eom"], ids["eot"]],
            "do_sample": True, "temperature": 0.6, "top_p": 0.9,
        },
    }


def qwen_family(template, added, max_length):
    tokenizer = qwen_tokenizer(added)
    end_of_text, im_end = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|im_end|>")
    return {
        "tokenizer": tokenizer,
        "template": template,
        # Qwen's embeddings have more rows than the tokenizer has tokens.
        "vocab_size": -(-tokenizer.get_vocab_size() // 16) * 16,
        "tokenizer_config": {
            "add_bos_token": False, "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>", "unk_token": None, "errors": "replace", "split_special_tokens": False,
            "additional_special_tokens": QWEN_SPECIAL[1:], "clean_up_tokenization_spaces": False,
            "model_max_length": max_length, "tokenizer_class": "Qwen2Tokenizer",
        },
        "special_tokens_map": {
            "additional_special_tokens": QWEN_SPECIAL[1:], "eos_token": role("<|im_end|>"), "pad_token": role("<|endoftext|>")},
        "config": {"bos_token_id": end_of_text, "eos_token_id": im_end},
        "generation_config": {
            "bos_token_id": end_of_text, "pad_token_id": end_of_text, "eos_token_id": [im_end, end_of_text],
            "do_sample": True, "repetition_penalty": 1.05, "temperature": 0.7, "top_p": 0.8, "top_k": 20,
        },
    }


def role(content):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}


FAMILIES = {
    "llama3": llama3_family,
    "qwen2": lambda: qwen_family("qwen2.5-instruct.jinja", QWEN_ADDED, 131072),
    "qwen3": lambda: qwen_family("qwen3.jinja", QWEN_ADDED + QWEN3_ADDED, 131072),
}

LLAMA3_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
YARN_ROPE = {"rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 512}
SHAPE = dict(hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=2048)


def spec(family, model_type, rope, dtype="float32", max_shard_size="50GB", head="CausalLM", published=False, inline_template=False, **config):
    return dict(family=family, model_type=model_type, rope=rope, dtype=dtype, max_shard_size=max_shard_size, head=head,
                published=published, inline_template=inline_template, config={**SHAPE, **config})


def plain(theta):
    return {"rope_type": "default", "rope_theta": theta}


# `published`: config.json in the older form in which these models lie on the Hub (rope_theta, rope_scaling, torch_dtype).
MODELS = {
    "llama-3.2": spec("llama3", "llama", LLAMA3_ROPE, published=True, num_attention_heads=2,
                      num_key_value_heads=1, head_dim=16, tie_word_embeddings=True, rms_norm_eps=1e-5),
    "llama-linear-f16": spec("llama3", "llama", {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}, dtype="float16",
                             attention_bias=True, tie_word_embeddings=False, num_key_value_heads=4, head_dim=4, rms_norm_eps=1e-6),
    "qwen2.5": spec("qwen2", "qwen2", plain(1e6), dtype="bfloat16", published=True, inline_template=True, tie_word_embeddings=True, rms_norm_eps=1e-6),
    "qwen2-sharded": spec("qwen2", "qwen2", plain(1e4), max_shard_size="30KB", tie_word_embeddings=False, rms_norm_eps=1e-6),
    "qwen3": spec("qwen3", "qwen3", plain(1e6), dtype="bfloat16", published=True, head_dim=8, tie_word_embeddings=True, rms_norm_eps=1e-6),
    "qwen3-yarn": spec("qwen3", "qwen3", YARN_ROPE, dtype="bfloat16", head_dim=16, num_attention_heads=2, num_key_value_heads=1,
                       tie_word_embeddings=False, rms_norm_eps=1e-6),
    "llama-reward": spec("llama3", "llama", plain(5e5), dtype="bfloat16", head="SequenceClassification", head_dim=8, rms_norm_eps=1e-5),
    "qwen3-reward": spec("qwen3", "qwen3", plain(1e6), dtype="bfloat16", head="SequenceClassification", head_dim=8, rms_norm_eps=1e-6),
}


def build(name, folder):
    """Writes one model of the table to `folder` (made anew)."""
    wanted = MODELS[name]
    family = FAMILIES[wanted["family"]]()
    fields = {**wanted["config"], **family["config"], "vocab_size": family["vocab_size"], "rope_parameters": wanted["rope"]}
    reward = wanted["head"] == "SequenceClassification"
    if reward:  # pooling needs to know what is padding
        fields.update(num_labels=1, pad_token_id=family["generation_config"].get("pad_token_id", family["tokenizer"].token_to_id("<|finetune_right_pad_id|>")))
    config = AutoConfig.for_model(wanted["model_type"], **fields)
    for seed in range(1, 20):
        torch.manual_seed(seed)
        model = (AutoModelForSequenceClassification if reward else AutoModelForCausalLM).from_config(config)
        randomise(model)
        if reward or end_one_answer(model, family):
            break
    shutil.rmtree(folder, ignore_errors=True)
    model.to(getattr(torch, wanted["dtype"])).save_pretrained(folder, max_shard_size=wanted["max_shard_size"])
    if wanted["published"]:
        write_published_config(folder, wanted)
    family["tokenizer"].save(str(folder / "tokenizer.json"))
    template = (HERE / "templates" / family["template"]).read_text()
    tokenizer_config = dict(family["tokenizer_config"], added_tokens_decoder=added_tokens(family["tokenizer"]))
    if wanted["inline_template"]:
        tokenizer_config["chat_template"] = template
    else:
        (folder / "chat_template.jinja").write_text(template)
    write_json(folder / "tokenizer_config.json", tokenizer_config)
    write_json(folder / "special_tokens_map.json", family["special_tokens_map"])
    write_json(folder / "generation_config.json", family["generation_config"])


def randomise(model):
    """Far from the usual small initial values, so that a wrong scale, a lost bias or a turned head shows."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(1 + 0.3 * noise if "norm" in name else 0.5 * noise if name.endswith("bias") else 0.35 * noise)


def end_one_answer(model, family):
    """
    Gives the fifth token of one greedy answer the id of a stop token, so that this answer stops there.
    Exchanging two rows of the embedding (and of the output) renames two tokens; False where one of them comes earlier.
    """
    prompt = family["tokenizer"].encode(CASES["prompts"][0]).ids
    stops = family["generation_config"]["eos_token_id"]
    ids = torch.tensor([prompt])
    for _ in range(5):
        ids = torch.cat([ids, model(ids).logits[:, -1].argmax(-1, keepdim=True)], dim=1)
    old, new = ids[0, -1].item(), stops[1]
    if old in ids[0, :-1] or new in ids[0]:
        return False
    with torch.no_grad():
        for table in {model.get_input_embeddings().weight, model.get_output_embeddings().weight}:
            table[[old, new]] = table[[new, old]]
    return True


def write_published_config(folder, wanted):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    if wanted["model_type"] == "qwen2":
        config.pop("head_dim", None)
    write_json(path, config)


def added_tokens(tokenizer):
    return {
        str(index): dict(content=token.content, lstrip=token.lstrip, normalized=token.normalized, rstrip=token.rstrip,
                         single_word=token.single_word, special=token.special)
        for index, token in tokenizer.get_added_tokens_decoder().items()
    }


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else INTEROP_TESTS / "fixtures"
    for name in MODELS:
        build(name, target / name)
        if len(sys.argv) == 1:
            text = json.dumps(compact(compute(target / name, CASES, KEPT_POSITIONS)), ensure_ascii=False, separators=(",", ":"))
            (target / name / "expected.json").write_text(text + "\n")
        print(name, sum(file.stat().st_size for file in (target / name).iterdir()), "bytes")


if __name__ == "__main__":
    main()
