#!/usr/bin/env bash
# Pairs of plain texts without a prompt: where TRL cuts the common beginning off, it sometimes cuts in the wrong place.
#
# Versions: trl 1.16.0, datasets 5.2.0 (Python; without torch).
# Expected: `extract_prompt` gives as prompt what both texts begin with: nothing where they share nothing, all of the shorter one
#           where the longer one begins with it.
# Happens:  - Where nothing is shared and the chosen text ends in a space, the prompt is the chosen text but for that space,
#             the chosen answer is the space, and the rejected one lost all but its last character (index -1 is looked at).
#           - Where one text begins with the other, the last character that both share is no part of the prompt: it stands in
#             both answers.
# Affected: DPO and reward data of plain texts with an implicit prompt: rows are cut elsewhere without a word, and a model is
#           trained on them.
#
# Usage: findings/trl-implicit-prompt.sh      (Python 3.11 or later with venv; about 200 MB to download)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the packages could not be installed.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HF_HOME="$scratch/hf" HF_HUB_OFFLINE=1
echo "Installing trl into a temporary folder"
{
  python3 -m venv "$scratch/venv" &&
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps trl==1.16.0 &&
    "$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check datasets==5.2.0 transformers==5.24.0 packaging jinja2
} || { echo "The packages could not be installed." >&2; exit 3; }

cat > "$scratch/show.py" <<'PYTHON'
import sys
from trl.data_utils import extract_prompt

CASES = [
    ("nothing shared", "Yes", "No", ("", "Yes", "No")),
    ("nothing shared, a space at the end", "Yes ", "No", ("Yes", " ", "o")),
    ("a common beginning", "Sky: blue", "Sky: green", ("Sky:", " blue", " green")),
    ("one begins with the other", "Sky: blue", "Sky: blue.", ("Sky: blu", "e", "e.")),
]
good = True
for name, chosen, rejected, stated in CASES:
    row = extract_prompt({"chosen": chosen, "rejected": rejected})
    seen = (row["prompt"], row["chosen"], row["rejected"])
    print(f"{name:36} {chosen!r} over {rejected!r}: prompt {seen[0]!r}, chosen {seen[1]!r}, rejected {seen[2]!r}")
    good = good and seen == stated
if good:
    print("As stated: the second and the fourth pair are cut in the wrong place.")
    sys.exit(0)
print("NO LONGER AS STATED.")
sys.exit(1)
PYTHON
"$scratch/venv/bin/python" "$scratch/show.py"
