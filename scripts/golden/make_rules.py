"""The rules of self-instruct, solved a second time from their operands alone; draw-rules.ts says how it is run.

Meanings (capitals, opposites, ...) are a lexicon on both sides: here they are read from the YAML by hand.
"""
import json
import re
import sys
from collections import Counter
from math import isqrt

lexicon = {}
block = language = None
for line in open("data-specs/families/rules-lexicon.yaml", encoding="utf8"):
    if re.match(r"\w+:$", line):
        block = line[:-2]
    elif re.match(r"  (zh|en): \|$", line):
        language = line.strip()[:2]
    elif line.startswith("    "):
        lexicon.setdefault((block, language), []).append(line.split())


def look_up(name):
    return lambda lang, word: {entry[0]: entry[1] for entry in lexicon[name, lang]}[word]


def kind_of(lang, word):
    (kind,) = [entry[0] for entry in lexicon["kinds", lang] if word in entry[1:]]
    return kind


def odd(lang, words):
    kinds = {word: kind_of(lang, word) for word in words.split()}
    rare = Counter(kinds.values()).most_common()[-1][0]
    return next(word for word, kind in kinds.items() if kind == rare)


def yes(lang, truth):
    return ("否", "是")[truth] if lang == "zh" else ("No", "Yes")[truth]


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, isqrt(n) + 1))


def in_words(lang, n):
    if lang == "zh":
        tens, ones = divmod(n, 10)
        names = "零一二三四五六七八九"
        return ("" if tens < 2 else names[tens]) + ("十" if tens else "") + ("" if ones == 0 else names[ones])
    small = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
             "seventeen eighteen nineteen").split()
    if n < 20:
        return small[n]
    big = dict(zip(range(2, 10), "twenty thirty forty fifty sixty seventy eighty ninety".split()))
    return big[n // 10] + (f"-{small[n % 10]}" if n % 10 else "")


def roman(n):
    units = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    tens = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]
    return tens[n // 10] + units[n % 10]


def ints(text):
    return [int(part) for part in text.split()]


def joined(parts):
    return " ".join(map(str, parts))


def question(lang, sentence):
    if lang == "zh":
        return sentence + "吗？"
    name, verb, *place = sentence.split()
    return joined(["Does", name, verb.removesuffix("s"), *place]) + "?"


def missing(numbers):
    return next(n for n in range(numbers[0], numbers[-1]) if n not in numbers)


def who(lang, sentence):
    return next(entry[0] for entry in lexicon["names", lang] if sentence.startswith(entry[0]))


solve = {
    "swap-ends": lambda lang, a: joined([*a.split()[-1:], *a.split()[1:-1], *a.split()[:1]]),
    "rotate": lambda lang, a: joined(a.split()[1:] + a.split()[:1]),
    "twice-each": lambda lang, a: joined(f"{w} {w}" for w in a.split()),
    "longest-word": lambda lang, a: max(a.split(), key=len),
    "unique": lambda lang, a: joined(dict.fromkeys(a.split())),
    "repeated-word": lambda lang, a: Counter(a.split()).most_common(1)[0][0],
    "every-second": lambda lang, a: joined(a.split()[::2]),
    "mirror": lambda lang, a: joined(a.split() + a.split()[-2::-1]),
    "acronym": lambda lang, a: "".join(w[0] for w in a.split()).upper(),
    "delete-word": lambda lang, a, b: re.sub(" +", " ", f" {a} ".replace(f" {b} ", " ")).strip(),
    "position": lambda lang, a, b: a.split().index(b) + 1,
    "occurrences": lambda lang, a, b: a.split().count(b),
    "put-first": lambda lang, a, b: joined(sorted(a.split(), key=lambda w: w != b)),
    "contains": lambda lang, a, b: yes(lang, b in a.split()),
    "nth-word": lambda lang, a, b: a.split()[int(b) - 1],
    "take": lambda lang, a, b: joined(a.split()[: int(b)]),
    "replace-word": lambda lang, a, b, c: f" {a} ".replace(f" {b} ", f" {c} ").strip(),
    "intersection": lambda lang, a, b: joined(w for w in a.split() if w in set(b.split())),
    "difference": lambda lang, a, b: joined(w for w in a.split() if w not in set(b.split())),
    "interleave": lambda lang, a, b: joined(w for both in zip(a.split(), b.split(), strict=True) for w in both),
    "digit-sum": lambda lang, a: sum(map(int, a)),
    "square": lambda lang, a: int(a) ** 2,
    "half": lambda lang, a: int(a) // 2,
    "digit-count": lambda lang, a: len(a),
    "in-words": lambda lang, a: in_words(lang, int(a)),
    "roman": lambda lang, a: roman(int(a)),
    "binary": lambda lang, a: f"{int(a):b}",
    "smallest-divisor": lambda lang, a: next(d for d in range(2, int(a) + 1) if int(a) % d == 0),
    "prime": lambda lang, a: yes(lang, is_prime(int(a))),
    "round-ten": lambda lang, a: round(int(a), -1),
    "largest-digit": lambda lang, a: max(a),
    "pad": lambda lang, a: a.zfill(4),
    "leap-year": lambda lang, a: yes(lang, int(a) % 4 == 0 and int(a) not in (1900, 2100)),
    "century": lambda lang, a: f"{int(a) // 100 + 1}" + ("世纪" if lang == "zh" else "th century"),
    "divisors": lambda lang, a: joined(d for d in range(1, int(a) + 1) if int(a) % d == 0),
    "count-down": lambda lang, a: joined(range(int(a), 0, -1)),
    "sort-numbers": lambda lang, a: joined(sorted(ints(a))),
    "next-in-row": lambda lang, a: 2 * ints(a)[-1] - ints(a)[-2],
    "missing-number": lambda lang, a: missing(ints(a)),
    "running-total": lambda lang, a: joined(sum(ints(a)[: i + 1]) for i in range(len(ints(a)))),
    "evens": lambda lang, a: joined(n for n in ints(a) if not n & 1),
    "average": lambda lang, a, b: (int(a) + int(b)) // 2,
    "remainder": lambda lang, a, b: int(a) % int(b),
    "perimeter": lambda lang, a, b: 2 * int(a) + 2 * int(b),
    "between": lambda lang, a, b: joined(range(int(a) + 1, int(b))),
    "true-sum": lambda lang, a, b, c: yes(lang, int(a) + int(b) == int(c)),
    "next-letter": lambda lang, a: "".join(chr(ord(c) + 1) for c in a),
    "letter-number": lambda lang, a: ord(a) - 96,
    "vowels": lambda lang, a: joined(c for c in a if c in "aeiou"),
    "spell": lambda lang, a: "-".join(a),
    "run-length": lambda lang, a: re.sub(r"(.)\1*", lambda m: f"{m[1]}{len(m[0])}", a),
    "keep-digits": lambda lang, a: "".join(filter(str.isdigit, a)),
    "mask": lambda lang, a: "x" * len(a),
    "palindrome": lambda lang, a: yes(lang, a == a[::-1]),
    "odd-one-out": odd,
    "opposite": look_up("opposites"),
    "category": kind_of,
    "sound": look_up("sounds"),
    "capital": look_up("capitals"),
    "season": look_up("seasons"),
    "turn": look_up("turns"),
    "colour": look_up("colours"),
    "who": who,
    "question": question,
    "tallest": lambda lang, a, b, c: a,
    "if-then": lambda lang, a, b, c, d: b if a == d else c,
    "lookup": lambda lang, a, b: re.search(rf"(?:^|[，,] ?){b} (\d+)", a)[1],
    "json": lambda lang, a, b: json.dumps({a: b}, ensure_ascii=False, separators=(",", ":")),
}

rows = json.load(sys.stdin)
for row in rows:
    row["result"] = str(solve[row["rule"]](row["language"], *row["operands"]))
    print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
