#!/usr/bin/env bash
# The ids of `added_tokens` in a tokenizer.json are not what tokenizers gives them: the order in the list is.
#
# Versions: tokenizers 0.23.3 (Python).
# Expected: an added token has the id that stands beside it, or a file that says otherwise is refused.
# Happens:  where the vocabulary does not hold the tokens themselves, they are numbered from its end in the order of the
#           list; the field `id` is not looked at and nothing is said. <a> with id 7 before <b> with id 6 becomes <a> 6 and
#           <b> 7, in `encode`, `token_to_id` and the file that `to_str` writes. With a gap in the ids (6 and 9) the second
#           becomes 7 as well.
# Affected: files sorted by hand, by name or merged from two: rows of the embedding are exchanged without an error. In the
#           order of their ids and without a gap they are right (shown below).
#
# Usage: findings/added-token-ids-are-not-read.sh      (Python 3 with venv; about 10 MB to download)
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
import json, sys
from tokenizers import Tokenizer


def read(*ids):
    """What becomes of <a>, <b> with these ids, behind a vocabulary of six characters."""
    vocab = {character: i for i, character in enumerate("<>abcd")}
    added = [
        {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": False}
        for content, i in zip(("<a>", "<b>"), ids)
    ]
    source = {"version": "1.0", "added_tokens": added, "model": {"type": "BPE", "vocab": vocab, "merges": []}}
    tokenizer = Tokenizer.from_str(json.dumps(source))
    written = [token["id"] for token in json.loads(tokenizer.to_str())["added_tokens"] if token["content"] == "<a>"]
    return tokenizer.encode("<a><b>").ids, tokenizer.token_to_id("<a>"), written[0]


expected = {(6, 7): ([6, 7], 6, 6), (7, 6): ([6, 7], 6, 6), (6, 9): ([6, 7], 6, 6)}
results = {ids: read(*ids) for ids in expected}
for ids, (encoded, of_a, written) in results.items():
    print(f"the file says <a> {ids[0]}, <b> {ids[1]}: encode('<a><b>') gives {encoded}, token_to_id('<a>') {of_a}, to_str writes {written}")
if results == expected:
    print("As stated: the order of the list decides.")
    sys.exit(0)
print("NO LONGER AS STATED.")
sys.exit(1)
PYTHON
"$scratch/venv/bin/python" "$scratch/show.py"
