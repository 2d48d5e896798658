"""Texts as transformers reads them by response templates: ours, those of other forms, and what each refuses.

Run: python make_response_templates.py OURS.json OUT, where OURS.json is what
`node --import tsx -e "import('./src/tokenizer/chatml.ts').then((m) => console.log(JSON.stringify(m.chatmlResponseTemplate)))"`
prints. Needs transformers==5.24.0.
"""

import json
import sys

import transformers
from transformers.utils.chat_parsing import parse_response

with open(sys.argv[1], encoding="utf8") as file:
    OURS = json.load(file)

THINKING = {"open": "<think>", "close": "</think>", "content": "text"}
TEMPLATES = {
    "ours": OURS,
    "xml calls": {
        "start_anchor": ["<|im_start|>assistant\n", "<|im_start|>assistant"],
        "fields": {
            "thinking": THINKING,
            "tool_calls": {
                "open_pattern": r"<tool_call>\s*<function=(?P<name>[^>\n]+)>",
                "close_pattern": r"</function>\s*</tool_call>",
                "content": "xml-inline",
                "content_args": {
                    "tag_pattern": r"<parameter=(?P<key>\w+)>\n?(?P<value>.*?)\n?</parameter>",
                    "value_parser": {"name": "json", "args": {"allow_non_json": True}},
                    "merge_duplicates": True,
                },
                "repeats": True,
                "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
            },
            "content": {"close_pattern": r"<\|im_end\|>\s*\Z"},
        },
    },
    "a list of calls": {
        "start_anchor_pattern": r"\[/INST\]\s?",
        "defaults": {"role": "assistant", "content": None},
        "fields": {
            "tool_calls": {
                "open": "[CALLS]",
                "close": ["</s>", "</s></s>"],
                "content": "json",
                "transform_each": True,
                "transform": {"id": "{id}", "function": {"name": "{name}", "arguments": "{arguments}"}},
            },
            "content": {"close": ["</s>"], "content_args": {"strip": False}},
        },
    },
    "lines and numbers": {
        "start_anchor": "A:",
        "fields": {
            "score": {"open_pattern": r"Score\s*=\s*", "close": "\n", "content": "float"},
            "count": {"open": "Count=", "close": ";", "content": "int"},
            "done": {"open": "Done=", "close_pattern": r"[;\n]", "content": "bool"},
            "notes": {"open": "<notes>", "close": "</notes>", "content": "kv-lines"},
            "parts": {"open_pattern": r"\{\{", "close_pattern": r"\}\}", "repeats": True, "join": " + "},
            "rest": {"optional": False},
        },
    },
}


def call(name, arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


PROMPT = "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"
ODD = {"text": '北京/上海 <b>&"q"\\\n\t</b> \u2028😀 </think> <tool_call>', "n": [0, -5, 0.1, 1e-7], "o": {"a": None}}
CASES = {
    "ours": [
        (PROMPT, "45<|im_end|>"),
        (PROMPT, "no end"),
        (PROMPT, ""),
        ("", "45<|im_end|>\n"),
        (PROMPT + "<think>\n", "先算。\n</think>\n\n45<|im_end|>\n"),
        (PROMPT, f"<think>\nAsk.\n</think>\n\nOne moment.\n{call('now', {})}\n{call('查', ODD)}<|im_end|>"),
        (PROMPT, f"{call('now', {})}  \n\n after<|im_end|>"),
        (PROMPT, f"before {call('now', {})} between {call('now', {'a': 1})}"),
        (PROMPT, '<tool_call>{"name": "now", "arguments": {}}'),
        (PROMPT, '<tool_call>{"name": "now"}</tool_call>'),
        (PROMPT, '<tool_call>[1, "x"]</tool_call><|im_end|>'),
        (PROMPT, '<tool_call>{"name": "now", }</tool_call><|im_end|>'),
        (PROMPT, "a<|im_end|>b<|endoftext|>"),
        (PROMPT, "\u00a0\u3000x\x1c\ufeff<|im_end|>"),
        (PROMPT + "x" + PROMPT, "</tool_call>y</think><|im_end|>"),
    ],
    "xml calls": [
        (
            PROMPT,
            "<think>a</think> b <tool_call>\n<function=查>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\nx y\n"
            "</parameter><parameter=a>[2]</parameter>\n</function>\n</tool_call><|im_end|>\n",
        ),
        (PROMPT, "<tool_call><function=f></function></tool_call> <tool_call> <function=g>\n</function>\n</tool_call>"),
        (PROMPT, "a <|im_end|> b<|im_end|>"),
    ],
    "a list of calls": [
        ("[INST] x [/INST] ", '[CALLS][{"id": "1", "name": "f", "arguments": {"a": [1]}}]</s></s>'),
        ("[INST] x [/INST]", " hello </s>"),
        ("[/INST]", '[CALLS][{"name": "f", "arguments": {}}]</s>'),
        ("[/INST]", '[CALLS]{"id": "1"}</s>'),
        ("[/INST]", "[CALLS][1]</s>"),
    ],
    "lines and numbers": [
        ("A:", "Score = -1.5e3\nCount=42;Done=True;<notes>a: 1\n b : x:y\nnone\n</notes>{{ one}}{{two }} rest"),
        ("A:", "Count= 4x ;"),
        ("A:", "Done=0\nCount=007; end"),
        ("A:", ""),
    ],
}


def read(template, prefix, text):
    try:
        return {"message": parse_response(text, template, prefix=prefix)}
    except (ValueError, KeyError, TypeError) as error:
        return {"error": type(error).__name__}


def main():
    found = {
        name: {
            "template": template,
            "cases": [{"prefix": p, "text": t, **read(template, p, t)} for p, t in CASES[name]],
        }
        for name, template in TEMPLATES.items()
    }
    with open(sys.argv[2], "w", encoding="utf8") as file:
        json.dump({"transformers": transformers.__version__, "templates": found}, file, ensure_ascii=False, indent=2)
        file.write("\n")


main()
