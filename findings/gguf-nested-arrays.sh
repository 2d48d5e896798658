#!/usr/bin/env bash
# gguf for Python writes an array of arrays, reads it back flat, and its own copying tool makes the loss permanent.
#
# Versions: gguf 0.19.0 and numpy 2.4.6 (Python); @huggingface/gguf 0.4.6 and node-llama-cpp 3.22.1 (npm).
# Expected: GGUF's specification lets arrays hold arrays, `GGUFWriter.add_array` takes [[1, 2, 3], [4, 5]] and writes it so;
#           what is read back is what was written, or is refused.
# Happens:  `GGUFReader` gives [1, 2, 3, 4, 5] for it (strings likewise), without a word: `field.contents()` joins the inner
#           arrays, although `field.types` says ARRAY, ARRAY, INT32. `gguf-new-metadata`, which copies a file to change one
#           key, writes the joined list, so that the copy really holds a flat array. `gguf-dump` prints the type [[INT32]]
#           beside a flat value.
# Equal:    the file itself is right: @huggingface/gguf and node-llama-cpp read [[1,2,3],[4,5]] from it, and from the copy
#           the flat list that is in there.
#
# Usage: findings/gguf-nested-arrays.sh      (Python 3 with venv, Node 20 and npm; about 60 MB to download)
# Exit code: 0 it is as stated, 1 it no longer is, 3 the packages could not be installed.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

echo "Installing gguf, numpy, @huggingface/gguf and node-llama-cpp into a temporary folder"
{
  python3 -m venv venv &&
    venv/bin/python -m pip install --quiet --disable-pip-version-check gguf==0.19.0 numpy==2.4.6 &&
    npm init -y >/dev/null &&
    npm install --silent --ignore-scripts @huggingface/gguf@0.4.6 node-llama-cpp@3.22.1
} || { echo "The packages could not be installed." >&2; exit 3; }

cat > write.py <<'PYTHON'
import gguf, numpy

writer = gguf.GGUFWriter("nested.gguf", "llama")
writer.add_array("test.numbers", [[1, 2, 3], [4, 5]])
writer.add_array("test.texts", [["a", "bc"], ["d"]])
writer.add_tensor("x", numpy.zeros((2, 2), dtype=numpy.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
PYTHON
cat > read.py <<'PYTHON'
import json, sys
import gguf

fields = gguf.GGUFReader(sys.argv[1]).fields
print(json.dumps([fields[key].contents() for key in ("test.numbers", "test.texts")], separators=(",", ":")))
PYTHON
cat > huggingface.mjs <<'JAVASCRIPT'
import { gguf } from '@huggingface/gguf';
const { metadata } = await gguf(process.argv[2], { allowLocalFile: true });
console.log(JSON.stringify([metadata['test.numbers'], metadata['test.texts']]));
JAVASCRIPT
cat > node-llama-cpp.mjs <<'JAVASCRIPT'
import { readGgufFileInfo } from 'node-llama-cpp';
const { metadata } = await readGgufFileInfo(process.argv[2]);
console.log(JSON.stringify([metadata.test.numbers, metadata.test.texts]));
JAVASCRIPT

nested='[[[1,2,3],[4,5]],[["a","bc"],["d"]]]'
flat='[[1,2,3,4,5],["a","bc","d"]]'
failed=0
expect() { # WHAT WANTED COMMAND…
  local what=$1 wanted=$2 seen
  shift 2
  seen=$("$@" 2>/dev/null | tail -1)
  printf '%-46s %s\n' "$what" "$seen"
  [ "$seen" = "$wanted" ] || failed=1
}
venv/bin/python write.py
venv/bin/gguf-new-metadata --force --general-name copy nested.gguf ./copy.gguf >/dev/null 2>&1
echo "written                                        $nested"
expect "gguf (Python) reads" "$flat" venv/bin/python read.py nested.gguf
expect "@huggingface/gguf reads" "$nested" node huggingface.mjs nested.gguf
expect "node-llama-cpp reads" "$nested" node node-llama-cpp.mjs nested.gguf
expect "@huggingface/gguf reads gguf-new-metadata's copy" "$flat" node huggingface.mjs copy.gguf
expect "node-llama-cpp reads that copy" "$flat" node node-llama-cpp.mjs ./copy.gguf

if [ "$failed" = 0 ]; then
  echo "As stated: the inner arrays are there, and gguf's reader and copying tool join them."
else
  echo "NO LONGER AS STATED."
  exit 1
fi
