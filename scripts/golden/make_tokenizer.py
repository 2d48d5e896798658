"""Writes test/golden/tokenizer/expected.json: what transformers makes of the tokenizer and the cases beside it.

Run after make_tokenizer.mjs: pip install transformers==5.23.0 jinja2 && python scripts/golden/make_tokenizer.py
"""

import json
from pathlib import Path

from transformers import AutoTokenizer

TARGET = Path(__file__).resolve().parents[2] / "test" / "golden" / "tokenizer"

tokenizer = AutoTokenizer.from_pretrained(TARGET)
cases = json.loads((TARGET / "cases.json").read_text())


def chat(messages, template=None):
    encoded = tokenizer.apply_chat_template(
        messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
    )
    text = dict(chat_template=template, tokenize=False)
    return {
        "text": tokenizer.apply_chat_template(messages, **text),
        "prompt": tokenizer.apply_chat_template(messages, add_generation_prompt=True, **text),
        "tokens": encoded["input_ids"],
        "loss": encoded["assistant_masks"],
    }


texts = []
for text in cases["texts"]:
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text, text
    texts.append(ids)
expected = {
    "class": type(tokenizer).__name__,
    "vocabSize": len(tokenizer),
    "special": {
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
    },
    "texts": texts,
    "conversations": [chat(messages) for messages in cases["conversations"]],
    "templates": [chat(cases["conversations"][1], template) for template in cases["templates"]],
}
(TARGET / "expected.json").write_text(json.dumps(expected) + "\n")
