"""Nearest-seed ROUGE-L percentiles of a seeds file, by the textbook table: the golden values of novelty.test.ts.

usage: python3 rouge-l.py seeds.jsonl
"""

import json
import re
import sys
import unicodedata

UNIT = re.compile(r"[\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


def lcs(a, b):
    previous = [0] * (len(b) + 1)
    for x in a:
        current = [0]
        for j, y in enumerate(b):
            current.append(previous[j] + 1 if x == y else max(previous[j + 1], current[j]))
        previous = current
    return previous[-1]


rows = [json.loads(line)["instruction"] for line in open(sys.argv[1], encoding="utf8")]
texts = [UNIT.findall(unicodedata.normalize("NFKC", row).lower()) for row in rows]
nearest = sorted(
    max(2 * lcs(a, b) / (len(a) + len(b)) for j, b in enumerate(texts) if i != j) for i, a in enumerate(texts)
)
print([round(nearest[k], 4) for k in (17, 87, 157, 174)])
