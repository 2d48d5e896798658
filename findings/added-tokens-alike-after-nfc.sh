#!/usr/bin/env bash
# Which of two added tokens a text becomes is decided by chance, anew each time tokenizers loads the same tokenizer.json.
#
# Versions: tokenizers 0.23.3 (Python).
# Expected: one file and one text give the same ids every time, or the file is refused.
# Happens:  two added tokens with `normalized: true` whose contents the normalizer makes one text: "<é>" written with one
#           character and with a letter and an accent, under NFC. `Tokenizer.from_str` takes the file, and `encode("<é>")`
#           then gives the id of the one or of the other; of many loads in one process, both appear.
# Affected: ids in training data and at inference may differ between two starts of the same program. Files whose added
#           tokens stay different after normalization, or have `normalized: false`, are not affected (shown below).
#
# Usage: findings/added-tokens-alike-after-nfc.sh      (Python 3 with venv; about 10 MB to download)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the package could not be installed.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "Installing tokenizers into a temporary folder"
{
  python3 -m venv "$scratch/venv" &&
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check tokenizers==0.23.3
} || { echo "The package could not be installed." >&2; exit 3; }

cat > "$scratch/show.py" <<'PYTHON'
import collections, json, sys
from tokenizers import Tokenizer

LOADS = 64


def tokenizer(contents, normalized):
    """A byte-free BPE of a few characters, with these added tokens behind its vocabulary."""
    vocab = {character: i for i, character in enumerate("<>abcé")}
    added = [
        {"id": len(vocab) + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": normalized, "special": False}
        for i, content in enumerate(contents)
    ]
    model = {"type": "BPE", "vocab": vocab, "merges": []}
    return json.dumps({"version": "1.0", "added_tokens": added, "normalizer": {"type": "NFC"}, "model": model})


def seen(text, *arguments):
    source = tokenizer(*arguments)
    return collections.Counter(tuple(Tokenizer.from_str(source).encode(text).ids) for _ in range(LOADS))


alike = ["<\u00e9>", "<e\u0301>"]
results = {
    "alike after NFC, normalized: true": seen("<\u00e9>", alike, True),
    "alike after NFC, normalized: false": seen("<\u00e9>", alike, False),
    "different after NFC, normalized: true": seen("<\u00e9>", ["<\u00e9>", "<a>"], True),
}
for name, counts in results.items():
    ids = ", ".join(f"{list(ids)} {count} times" for ids, count in sorted(counts.items()))
    print(f"{name:38} of {LOADS} loads: {ids}")
first, *others = results.values()
if len(first) == 2 and all(len(counts) == 1 for counts in others):
    print("As stated: the id is decided by chance where two added tokens are alike after normalization, and only there.")
    sys.exit(0)
print("NO LONGER AS STATED.")
sys.exit(1)
PYTHON
"$scratch/venv/bin/python" "$scratch/show.py"
