"""Writes test/golden/rows.json: what transformers makes of rows with reasoning, tools, calls and thoughts.

For the templates of Llama 3.2, Qwen 2.5 and Qwen 3. Run: pip install transformers==5.24.0 jinja2 && python
scripts/golden/make_rows.py. Then: npx biome check --write test/golden/rows.json
"""

import json
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

root = Path(__file__).resolve().parents[2]
tide = {
    "name": "tide",
    "description": "Höhe der Flut",
    "parameters": {"type": "object", "properties": {"port": {"type": "string"}}},
}
call = {"type": "function", "function": {"name": "tide", "arguments": {"port": "Brest"}}}
rows = [
    {
        "tools": [{"type": "function", "function": tide}],
        "messages": [
            {"role": "user", "content": "How high?"},
            {"role": "assistant", "content": None, "reasoning_content": "I look.", "tool_calls": [call]},
            {"role": "tool", "content": '{"m": 5.1}', "tool_call_id": "c1"},
            {"role": "assistant", "reasoning": "So.", "content": "5.1"},
        ],
    },
    {
        "messages": [
            {"role": "system", "content": "简短。"},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", "thinking": "hm"},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d", "reasoning_content": "hm 2"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "<think>\nold\n</think>\n\nb"},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d"},
        ]
    },
]


def render(name, row):
    template = (root / f"scripts/interop/templates/{name}.jinja").read_text()
    # What the other interface of transformers passes of the tokenizer; its own date gives way to the fixed one.
    more = {"bos_token": "<|begin_of_text|>", "date_string": "26 Jul 2024"} if "llama" in name else {}
    [text], _ = render_jinja_template(
        conversations=[row["messages"]], tools=row.get("tools"), chat_template=template, **more
    )
    return text


names = ["qwen3", "qwen2.5-instruct", "llama-3.2-instruct"]
models = {name: [render(name, row) for row in rows] for name in names}
golden = json.dumps({"rows": rows, "models": models}, ensure_ascii=False, indent=1)
(root / "test/golden/rows.json").write_text(golden + "\n")
