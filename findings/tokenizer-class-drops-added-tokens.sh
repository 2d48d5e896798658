#!/usr/bin/env bash
# One line of tokenizer_config.json decides whether transformers keeps the added tokens of tokenizer.json.
#
# Versions: transformers 5.24.0, tokenizers 0.23.3 (Python; without torch).
# Expected: AutoTokenizer keeps the added tokens that tokenizer.json lists, or says which it drops.
# Happens:  with `tokenizer_class` Qwen2Tokenizer, GPT2Tokenizer or GPTNeoXTokenizer, and an `added_tokens_decoder` in
#           tokenizer_config.json that names one of the three added tokens, the other two are gone: `<tool>` is cut into
#           characters, and no word is said. Without `added_tokens_decoder` all three are kept; with PreTrainedTokenizerFast
#           they are kept in both cases.
# Affected: folders whose two files were written by different programs: a tokenizer.json with tokens added later, beside
#           an older tokenizer_config.json. A model that was trained with those tokens gets other ids.
#
# Usage: findings/tokenizer-class-drops-added-tokens.sh      (Python 3 with venv; about 100 MB to download)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the packages could not be installed.
set -euo pipefail
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "Installing transformers and tokenizers into a temporary folder"
{
  python3 -m venv "$scratch/venv" &&
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
} || { echo "The packages could not be installed." >&2; exit 3; }

cat > "$scratch/show.py" <<'PYTHON'
import json, sys
from pathlib import Path
from transformers import AutoTokenizer

scratch = Path(sys.argv[1])
ADDED = ["<|end|>", "<tool>", "</tool>"]
TEXT = "<tool>x</tool>"


def byte_alphabet():
    """The characters by which GPT-2 writes bytes."""
    kept = [b for b in range(256) if 33 <= b <= 126 or (b >= 161 and b != 173)]
    other = [b for b in range(256) if b not in kept]
    return {chr(b): b for b in kept} | {chr(256 + i): b for i, b in enumerate(other)}


def flags(content):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}


def read(name, has_decoder):
    folder = scratch / f"{name}-{has_decoder}"
    folder.mkdir()
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": 256 + i, **flags(content)} for i, content in enumerate(ADDED)],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "vocab": byte_alphabet(), "merges": []},
    }
    config = {"tokenizer_class": name, "eos_token": ADDED[0]}
    if has_decoder:
        config["added_tokens_decoder"] = {"256": flags(ADDED[0])}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return AutoTokenizer.from_pretrained(folder)(TEXT).input_ids


kept = [257, ord("x"), 258]
cut = list(TEXT.encode())
good = True
for name in ("PreTrainedTokenizerFast", "Qwen2Tokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer"):
    for has_decoder in (False, True):
        ids = read(name, has_decoder)
        beside = "one token in added_tokens_decoder" if has_decoder else "no added_tokens_decoder"
        print(f"{name:24} {beside:34} {TEXT} -> {ids}")
        good = good and ids == (cut if has_decoder and name != "PreTrainedTokenizerFast" else kept)
if good:
    print("As stated: these classes drop the added tokens that added_tokens_decoder does not name.")
    sys.exit(0)
print("NO LONGER AS STATED.")
sys.exit(1)
PYTHON
"$scratch/venv/bin/python" "$scratch/show.py" "$scratch"
