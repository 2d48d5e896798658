"""Writes test/golden/folders.json: how transformers reads a tokenizer's folder, one change of its files after the other.

And test/golden/added-tokens.json: where the Rust library finds added tokens of every flag, on texts made of their parts.
Run: pip install transformers==5.24.0 jinja2 && python scripts/golden/make_folders.py
Then: npx biome check --write test/golden/folders.json test/golden/added-tokens.json
"""

import json
import random
import tempfile
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

GOLDEN = Path(__file__).resolve().parents[2] / "test" / "golden"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
QWEN_SPLIT = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": QWEN}, "behavior": "Isolated", "invert": False},
        {**BYTE_LEVEL, "use_regex": False},
    ],
}
DIGITS_SPLIT = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL]}


def byte_characters():
    prints = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(byte if byte in prints else next(shifted)) for byte in range(256)]


BYTES = byte_characters()
MERGES = ["l l", "h e", "he ll", "hell o", "1 2", "Ġ 1", "Ġ hello", "L L", "' LL", "Ã ©"]
VOCAB = {character: byte for byte, character in enumerate(BYTES)}
for merge in MERGES:
    VOCAB.setdefault(merge.replace(" ", ""), len(VOCAB))
SIZE = len(VOCAB)


def token(content, id=None, **flags):
    plain = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {**({} if id is None else {"id": id}), "content": content, **plain, **flags}


def base(added=("<|endoftext|>",), vocab=(), **changes):
    """tokenizer.json: bytes, ten merges, the tokens of `vocab`, and added tokens after them."""
    table = {**VOCAB, **{content: SIZE + i for i, content in enumerate(vocab)}}
    first = len(table)
    tokens = [
        token(**each) if isinstance(each, dict) else token(each, id=table.get(each, first + i))
        for i, each in enumerate(added)
    ]
    model = {
        **{"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None},
        **{"end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False},
        **{"ignore_merges": changes.pop("ignore_merges", False), "vocab": table, "merges": MERGES},
    }
    return {
        **{"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens},
        **{"normalizer": None, "pre_tokenizer": BYTE_LEVEL, "post_processor": None, "decoder": BYTE_LEVEL},
        **changes,
        "model": model,
    }


def typed(content, **flags):
    return {"__type": "AddedToken", **token(content, **flags)}


START, END = "<|im_start|>", "<|im_end|>"
PLAIN = {"tokenizer_class": "PreTrainedTokenizerFast"}
CHAT = {str(SIZE): token("<|endoftext|>"), str(SIZE + 1): token(START), str(SIZE + 2): token(END)}
LLAMA = {"model_type": "llama", "vocab_size": 400}
QWEN2 = {"model_type": "qwen2", "vocab_size": 400}
QWEN3 = {"model_type": "qwen3", "vocab_size": 400}


def folder(json=None, config=PLAIN, map=None, added=None, model=None, **texts):
    files = {"tokenizer.json": json or base(), "tokenizer_config.json": config, "special_tokens_map.json": map}
    files |= {"added_tokens.json": added, "config.json": model}
    return {name: value for name, value in files.items() if value is not None} | texts


FOLDERS = {
    "tokenizer.json alone": folder(config=None),
    "added_tokens_decoder adds what is missing": folder(config={**PLAIN, "added_tokens_decoder": CHAT, "eos_token": END}),
    "added_tokens.json adds what is missing": folder(config={**PLAIN, "eos_token": END}, added={START: SIZE + 1, END: SIZE + 2}),
    "added_tokens.json beside added_tokens_decoder is not read": folder(
        config={**PLAIN, "added_tokens_decoder": {str(SIZE): token("<|endoftext|>")}}, added={START: SIZE + 1}
    ),
    "added_tokens.json: a role makes special": folder(
        config={**PLAIN, "eos_token": END, "additional_special_tokens": [START]}, added={START: SIZE + 1, END: SIZE + 2, "<x>": SIZE + 3}
    ),
    "added_tokens.json: a role as an object does not": folder(config={**PLAIN, "eos_token": typed(END)}, added={END: SIZE + 1}),
    "added_tokens.json out of order": folder(added={END: SIZE + 2, START: SIZE + 1}),
    "added_tokens.json with another id": folder(added={END: SIZE + 9}),
    "added_tokens.json with the id of another token": folder(added={"<x>": SIZE}),
    "added_tokens.json with an id of the vocabulary": folder(added={"<x>": 65}),
    "flags of added_tokens_decoder overrule": folder(
        config={**PLAIN, "added_tokens_decoder": {str(SIZE): token("<|endoftext|>", lstrip=True, rstrip=True, special=False)}}
    ),
    "flags of added_tokens_decoder: single_word, normalized": folder(
        json=base(["<|endoftext|>", "x1", "Y2"], normalizer={"type": "NFC"}),
        config={
            **PLAIN,
            "added_tokens_decoder": {
                str(SIZE + 1): token("x1", single_word=True, special=False),
                str(SIZE + 2): token("Y2", normalized=True, single_word=True),
            },
        },
    ),
    "added_tokens_decoder names a token of the vocabulary": folder(
        json=base(vocab=["<x>"]), config={**PLAIN, "added_tokens_decoder": {str(SIZE): token("<x>")}}
    ),
    "added_tokens_decoder makes a merged piece an added token": folder(
        config={**PLAIN, "added_tokens_decoder": {str(VOCAB["hello"]): token("hello", special=False)}}
    ),
    "added_tokens_decoder with another id": folder(config={**PLAIN, "added_tokens_decoder": {"390": token("<x>")}}),
    "added_tokens_decoder with two ids for one token": folder(
        config={**PLAIN, "added_tokens_decoder": {str(SIZE + 1): token("<x>"), str(SIZE + 2): token("<x>", lstrip=True)}}
    ),
    "added_tokens_decoder out of order": folder(
        config={**PLAIN, "added_tokens_decoder": {str(SIZE + 2): token("<y>"), str(SIZE + 1): token("<x>")}}
    ),
    "added_tokens_decoder: flags that are not there": folder(
        config={**PLAIN, "added_tokens_decoder": {str(SIZE + 1): {"content": "<x>"}, str(SIZE + 2): {"content": "<y>", "special": True}}}
    ),
    "added_tokens_decoder is empty": folder(config={**PLAIN, "added_tokens_decoder": {}, "eos_token": "<|endoftext|>"}, map={"eos_token": "<x>"}),
    "the map overrules the configuration": folder(
        json=base(["<|endoftext|>", "<x>"]), config={**PLAIN, "eos_token": "<|endoftext|>", "pad_token": "<x>"}, map={"eos_token": "<x>"}
    ),
    "the map overrules with null": folder(config={**PLAIN, "eos_token": "<|endoftext|>"}, map={"eos_token": None}),
    "the map beside added_tokens_decoder is not read": folder(
        json=base(["<|endoftext|>", "<x>"]),
        config={**PLAIN, "eos_token": "<|endoftext|>", "added_tokens_decoder": CHAT},
        map={"eos_token": "<x>", "pad_token": "<x>"},
    ),
    "the map has objects": folder(
        json=base(["<|endoftext|>", "<x>"]),
        map={"eos_token": {"content": "<x>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}},
    ),
    "the map has objects of new tokens": folder(
        map={"eos_token": {"content": "<x>", "lstrip": True, "normalized": True, "rstrip": False, "single_word": False}}
    ),
    "the map has further tokens": folder(map={"eos_token": "<|endoftext|>", "additional_special_tokens": ["<x>", "<y>"]}),
    "the map has further tokens, the configuration too": folder(
        config={**PLAIN, "additional_special_tokens": ["<x>"]}, map={"additional_special_tokens": ["<y>"]}
    ),
    "the map has extra tokens, the configuration too": folder(
        config={**PLAIN, "extra_special_tokens": ["<x>"]}, map={"extra_special_tokens": ["<y>", "<x>"]}
    ),
    "roles as objects": folder(
        config={**PLAIN, "eos_token": typed("<|endoftext|>"), "pad_token": typed("<x>", rstrip=True), "bos_token": None}
    ),
    "a role that is not special": folder(config={**PLAIN, "pad_token": typed("<x>", special=False, normalized=True)}),
    "a role of the vocabulary": folder(json=base(vocab=["<x>"]), config={**PLAIN, "pad_token": "<x>"}),
    "a role that nothing else has": folder(config={**PLAIN, "pad_token": "<x>", "unk_token": "<y>", "bos_token": "<z>"}),
    "two roles for one new token": folder(config={**PLAIN, "pad_token": "<x>", "eos_token": "<x>"}),
    "all seven roles": folder(
        config={**PLAIN, **{f"{role}_token": f"<{role}>" for role in ("mask", "cls", "pad", "sep", "unk", "eos", "bos")}}
    ),
    "names of its own": folder(config={**PLAIN, "image_token": "<x>", "audio_token": typed("<y>"), "add_bos_token": True}),
    "additional_special_tokens": folder(config={**PLAIN, "additional_special_tokens": ["<x>", typed("<y>", lstrip=True)]}),
    "extra_special_tokens as a list": folder(config={**PLAIN, "extra_special_tokens": ["<x>", "<|endoftext|>"]}),
    "extra_special_tokens by name": folder(config={**PLAIN, "extra_special_tokens": {"image_token": "<x>", "eoi_token": "<y>"}}),
    "both extra and additional": folder(config={**PLAIN, "extra_special_tokens": ["<x>"], "additional_special_tokens": ["<y>"]}),
    "extra is empty, additional is not": folder(config={**PLAIN, "extra_special_tokens": [], "additional_special_tokens": ["<y>"]}),
    "padding of tokenizer.json": folder(
        json=base(
            ["<|endoftext|>", "<x>"],
            padding={"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": SIZE + 1, "pad_type_id": 0, "pad_token": "<x>"},
        )
    ),
    "truncation of tokenizer.json": folder(
        json=base(truncation={"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0})
    ),
    "overlapping tokens without a normalizer": folder(
        json=base([dict(content="<a", id=SIZE, normalized=True, special=False), dict(content="a>", id=SIZE + 1), dict(content="<a>", id=SIZE + 2, normalized=True, special=False)])
    ),
    "overlapping tokens, all raw": folder(json=base(["<a", "a>", "<a>"])),
    "a post_processor": folder(
        json=base(
            ["<|endoftext|>"],
            post_processor={
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [SIZE], "tokens": ["<|endoftext|>"]}},
            },
        ),
        config={**PLAIN, "add_bos_token": False},
    ),
    "split_special_tokens": folder(config={**PLAIN, "split_special_tokens": True}),
    "no class, no model": folder(config={"eos_token": "<|endoftext|>"}),
    "a class that nobody knows": folder(config={"tokenizer_class": "FooTokenizer"}, model=LLAMA),
    "a chat_template of the configuration": folder(config={**PLAIN, "chat_template": "C"}),
    "a chat_template among named ones": folder(
        config={**PLAIN, "chat_template": [{"name": "rag", "template": "R"}, {"name": "default", "template": "D"}]}
    ),
    "chat_template.jinja before the configuration": folder(config={**PLAIN, "chat_template": "C"}, **{"chat_template.jinja": "J"}),
    "additional_chat_templates": folder(**{"chat_template.jinja": "J", "additional_chat_templates/rag.jinja": "R"}),
    "additional_chat_templates with the default": folder(
        config={**PLAIN, "chat_template": "C"}, **{"additional_chat_templates/default.jinja": "D"}
    ),
    "chat_template.json": folder(**{"chat_template.json": '{"chat_template": "P"}'}),
}
MODELS = {"no model": None, "llama": LLAMA, "qwen2": QWEN2, "qwen3": QWEN3}
CLASSES = [None, "PreTrainedTokenizerFast", "Qwen2TokenizerFast", "GPT2Tokenizer", "GPTNeoXTokenizerFast", "LlamaTokenizerFast"]
RULES = {
    "gpt-2": {},
    "qwen2": {"normalizer": {"type": "NFC"}, "pre_tokenizer": QWEN_SPLIT},
    "digits": {"pre_tokenizer": DIGITS_SPLIT},
    "whole pieces": {"ignore_merges": True},
}
for model_name, model in MODELS.items():
    for name in CLASSES:
        for rule, changes in RULES.items():
            config = {"eos_token": "<|endoftext|>", **({} if name is None else {"tokenizer_class": name})}
            FOLDERS[f"{model_name}, {name}, {rule}"] = folder(base(["<|endoftext|>", "<x>"], **dict(changes)), config, model=model)
for name in ("Qwen2Tokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer"):
    # Such a class takes the vocabulary alone: what only tokenizer.json's added_tokens have is lost.
    decoder = {str(SIZE): token("<|endoftext|>"), str(SIZE + 2): token("<y>", special=False, normalized=True)}
    FOLDERS[f"{name} forgets added tokens"] = folder(
        base(["<|endoftext|>", "<x>", "<y>"]), {"tokenizer_class": name, "added_tokens_decoder": decoder}, model=LLAMA
    )
    FOLDERS[f"{name} and its own roles"] = folder(base(["<|endoftext|>", "<x>"]), {"tokenizer_class": name}, model=LLAMA)
    FOLDERS[f"{name} and the map"] = folder(
        base(["<|endoftext|>", "<x>"]), {"tokenizer_class": name, "pad_token": None}, map={"eos_token": "<x>"}, model=LLAMA
    )
for name in ("TokenizersBackend", "BloomTokenizerFast", "LlamaTokenizer", "BartTokenizer", "CodeGenTokenizerFast", "RobertaTokenizer"):
    FOLDERS[f"llama, {name}"] = folder(base(["<|endoftext|>", "<x>"]), {"tokenizer_class": name}, model=LLAMA)
FOLDERS["config.json names the class"] = folder(base(["<|endoftext|>", "<x>"]), {}, model={**LLAMA, "tokenizer_class": "Qwen2Tokenizer"})

TEXTS = [
    "hello hello<|endoftext|>",
    "a <|endoftext|>  b",
    f"{START}x{END}\n",
    "<x><y> <z>  <x>",
    " <x> hello",
    "x1 ax1 Y2 Y2b x1",
    "<a><a a> <a>",
    "12 312 ١٢",
    "HE'LL he'll",
    "e\u0301 é",
    "a  \n\n b",
    "你好",
]
ROLES = ["bos", "eos", "pad", "unk"]


def read(files):
    with tempfile.TemporaryDirectory() as place:
        for name, value in files.items():
            path = Path(place, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(value if isinstance(value, str) else json.dumps(value))
        try:
            tokenizer = AutoTokenizer.from_pretrained(place)
        except Exception as error:
            return {"fails": type(error).__name__}
        template = tokenizer.chat_template
        return {
            "texts": [tokenizer(text)["input_ids"] for text in TEXTS],
            "roles": {role: getattr(tokenizer, f"{role}_token") for role in ROLES if getattr(tokenizer, f"{role}_token")},
            "ids": {role: getattr(tokenizer, f"{role}_token_id") for role in ROLES if getattr(tokenizer, f"{role}_token")},
            "special": sorted(
                id for id in range(len(tokenizer)) if tokenizer.decode([id], skip_special_tokens=True) == "" != tokenizer.decode([id])
            ),
            "size": len(tokenizer),
            **({} if template is None else {"template": template if isinstance(template, str) else template.get("default")}),
        }


def changes(files):
    """What a folder has beside the common parts, for a small golden."""
    shared = base()
    own = {key: value for key, value in files["tokenizer.json"].items() if value != shared[key] and key != "model"}
    model = files["tokenizer.json"]["model"]
    if model["ignore_merges"]:
        own["ignore_merges"] = True
    vocab = {token: id for token, id in model["vocab"].items() if id >= SIZE}
    return {**files, "tokenizer.json": {**own, **({"vocab": vocab} if vocab else {})}}


cases = [{"name": name, "files": changes(files), **read(files)} for name, files in FOLDERS.items()]
golden = {"base": base(), "texts": TEXTS, "folders": cases}
(GOLDEN / "folders.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")
print(len(cases), "folders,", [case["name"] for case in cases if "fails" in case], "fail")

random.seed(7)
PIECES = ["<a", "a>", "<a>", ">b", "ab", "b", "a b", " x", "x ", "é", "e\u0301", "的", "_y", "1a", "  ", "\n", "\u3000", "\u200d", "𝔸", "😀"]


def random_token(id, used):
    while True:
        content = "".join(random.choice(PIECES) for _ in range(random.choice([1, 1, 1, 2, 2, 3])))
        if unicodedata.normalize("NFC", content) not in used and content not in VOCAB:
            break
    used.add(unicodedata.normalize("NFC", content))
    flag = lambda share: random.random() < share
    return token(content, id, single_word=flag(0.25), lstrip=flag(0.25), rstrip=flag(0.25), normalized=flag(0.5), special=flag(0.5))


sets = []
for _ in range(150):
    used = set()
    added = [random_token(SIZE + i, used) for i in range(random.randint(1, 6))]
    normalizer = random.choice([None, {"type": "NFC"}])
    tokenizer = Tokenizer.from_str(json.dumps(base([{**each} for each in added], normalizer=normalizer)))
    contents = [each["content"] for each in added]
    texts = ["".join(random.choice([*PIECES, *contents, *contents, " ", "w"]) for _ in range(random.randint(1, 7))) for _ in range(8)]
    found = [[text, tokenizer.encode(text).ids] for text in texts]
    sets.append({"nfc": normalizer is not None, "added": added, "texts": found})
(GOLDEN / "added-tokens.json").write_text(json.dumps(sets, ensure_ascii=False) + "\n")
print(sum(len(each["texts"]) for each in sets), "texts")
