"""What transformers and TRL make of folders with our chat templates. Run by chat-templates.mjs.

For each folder: TRL's three predicates; each conversation's text and what its assistant mask covers; each answer as
`parse_response` reads it, and its calls as the regular expression of Hermes parsers does.
Run: python chat-templates.py CASES OUT FOLDER...
"""

import json
import re
import sys

import transformers
import trl
from jinja2 import TemplateError
from transformers import AutoTokenizer
from trl import chat_template_utils as predicates

HERMES = re.compile(r"<tool_call>(.*?)</tool_call>|<tool_call>(.*)", re.DOTALL)


def stretches(tokenizer, ids, mask):
    found, run = [], []
    for token, learnt in zip([*ids, None], [*mask, 0]):
        if learnt:
            run.append(token)
        elif run:
            found.append(tokenizer.decode(run))
            run = []
    return found


def rendered(tokenizer, chat):
    messages, tools = chat["messages"], chat.get("tools")
    prompted = chat.get("add_generation_prompt", False)
    try:
        text = tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=prompted
        )
    except TemplateError:
        return {"text": None}
    if chat.get("hostile"):
        return {"text": text}
    encoded = tokenizer.apply_chat_template(
        messages, tools=tools, return_dict=True, return_assistant_tokens_mask=True
    )
    return {"text": text, "learnt": stretches(tokenizer, encoded["input_ids"], encoded["assistant_masks"])}


def parsed(tokenizer, answer):
    prefix = tokenizer.apply_chat_template(
        [{"role": "user", "content": "x"}], tokenize=False, add_generation_prompt=True
    )
    if getattr(tokenizer, "response_template", None) is None:
        return {}
    ids = tokenizer.encode(answer, add_special_tokens=False)
    kept = tokenizer.decode(ids, skip_special_tokens=True)
    return {
        "message": tokenizer.parse_response(answer, prefix=prefix),
        "hermes": [json.loads(closed or cut) for closed, cut in HERMES.findall(kept)],
    }


def main():
    cases_path, out, *folders = sys.argv[1:]
    with open(cases_path, encoding="utf8") as file:
        cases = json.load(file)
    templates = {}
    for folder in folders:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        templates[folder.rsplit("/", 1)[-1]] = {
            "predicates": {
                name: getattr(predicates, name)(tokenizer)
                for name in (
                    "supports_tool_calling",
                    "is_chat_template_prefix_preserving",
                    "is_chat_template_stop_token_trained",
                )
            },
            "chats": [rendered(tokenizer, chat) for chat in cases["chats"]],
            "answers": [parsed(tokenizer, answer) for answer in cases["answers"]],
        }
    versions = {"transformers": transformers.__version__, "trl": trl.__version__}
    with open(out, "w", encoding="utf8") as file:
        json.dump({"versions": versions, "templates": templates}, file, ensure_ascii=False)


main()
