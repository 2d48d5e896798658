"""Writes test/golden/tool-arguments.jsonl: schemas of tools, arguments, and whether jsonschema says that they fit.

Random schemas of the part that src/tools/arguments.ts reads, each object with additionalProperties false where it names its
properties (our default, said here for jsonschema), and random arguments, half of them made from the schema.
Run with jsonschema 4.26.0: python scripts/golden/make_tool_arguments.py
"""

import json
import random
from pathlib import Path

from jsonschema import Draft202012Validator

random.seed(16)
NAMES = ["city", "days", "unit", "list", "日期"]
TEXTS = ["", "a", "12", "北京", "😀😀", "true", "celsius"]
NUMBERS = [-3, 0, 1, 2.5, 7, 1e20, 3.0]


def scalar():
    return random.choice([*TEXTS, *NUMBERS, True, False, None])


def bounds(schema, low, high, values):
    if random.random() < 0.4:
        schema[low] = random.choice(values)
    if random.random() < 0.4:
        schema[high] = random.choice(values)


def schema_of(depth):
    kind = random.choice(["string", "number", "integer", "boolean", "null", "enum", "const", "types", "array", "object", "anyOf"])
    if depth == 0 and kind in ("array", "object", "anyOf"):
        kind = "string"
    if kind == "enum":
        return {"enum": random.sample([*TEXTS, *NUMBERS, True, None], 3)}
    if kind == "const":
        return {"const": scalar()}
    if kind == "types":
        return {"type": random.sample(["string", "integer", "null", "boolean"], 2)}
    if kind == "anyOf":
        return {"anyOf": [schema_of(depth - 1), schema_of(depth - 1)]}
    schema = {"type": kind}
    if kind in ("number", "integer"):
        bounds(schema, "minimum", "maximum", NUMBERS)
        bounds(schema, "exclusiveMinimum", "exclusiveMaximum", NUMBERS)
    if kind == "string":
        bounds(schema, "minLength", "maxLength", [0, 1, 2, 5])
    if kind == "array":
        bounds(schema, "minItems", "maxItems", [0, 1, 2])
        if random.random() < 0.8:
            schema["items"] = schema_of(depth - 1)
    if kind == "object" and random.random() < 0.8:
        schema.update(object_of(depth - 1))
    return schema


def object_of(depth):
    names = random.sample(NAMES, random.randint(0, 3))
    schema = {"type": "object", "properties": {name: schema_of(max(depth, 0)) for name in names}}
    required = [name for name in names if random.random() < 0.5]
    if required:
        schema["required"] = required
    schema["additionalProperties"] = random.choice([False, False, True, {"type": "integer"}])
    return schema


def value_of(schema, depth=3):
    if random.random() < 0.15 or depth == 0:
        return scalar()
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return value_of(random.choice(schema["anyOf"]), depth - 1)
    kind = schema.get("type")
    kind = random.choice(kind) if isinstance(kind, list) else kind
    if kind == "string":
        return random.choice(TEXTS)
    if kind in ("number", "integer"):
        return random.choice(NUMBERS)
    if kind == "boolean":
        return random.random() < 0.5
    if kind == "array":
        return [value_of(schema.get("items", {}), depth - 1) for _ in range(random.randint(0, 3))]
    if kind == "object":
        return arguments_of(schema, depth - 1)
    return None


def arguments_of(schema, depth=3):
    given = {name: value_of(inner, depth) for name, inner in schema.get("properties", {}).items() if random.random() < 0.9}
    if random.random() < 0.15:
        given[random.choice(NAMES)] = scalar()
    return given


cases = []
while len(cases) < 240:
    schema = object_of(2)
    given = arguments_of(schema)
    fits = Draft202012Validator(schema).is_valid(given)
    # As many that fit as do not.
    if sum(case["fits"] == fits for case in cases) < 120:
        cases.append({"schema": schema, "given": given, "fits": fits})
path = Path(__file__).parents[2] / "test/golden/tool-arguments.jsonl"
path.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
