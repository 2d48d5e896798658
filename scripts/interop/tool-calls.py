"""How others read answers with calls. Run by tool-calls.mjs.

transformers by its parse_response; vLLM by the very files of its package (--vllm: where they were unpacked), the rest of which
is stood in for: its Hermes parser, and its reading of a response_template as its server streams it.
Run: python tool-calls.py CASES OUT [VLLM]   with CASES {"folder", "prompt", "texts"}
"""

import importlib
import importlib.abc
import importlib.machinery
import json
import logging
import sys
import types
from pathlib import Path

import pydantic
import transformers
from transformers import AutoTokenizer
from transformers.utils.chat_parsing import parse_response

REAL = (
    "vllm.tool_parsers.hermes_tool_parser",
    "vllm.parser.response_template",
    "vllm.parser.response_template_grammar",
    "vllm.parser.chat_parsing",
)


class FunctionCall(pydantic.BaseModel):
    id: str | None = None
    name: str
    arguments: str


class ToolCall(pydantic.BaseModel):
    type: str = "function"
    function: FunctionCall


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")


class ToolParser:
    def __init__(self, tokenizer, tools=None):
        self.model_tokenizer = tokenizer


KNOWN = {
    **{"FunctionCall": FunctionCall, "ToolCall": ToolCall, "ToolParser": ToolParser},
    **{name: Loose for name in ("DeltaMessage", "DeltaToolCall", "DeltaFunctionCall", "ExtractedToolCallInformation")},
    "init_logger": logging.getLogger,
    "is_mistral_tokenizer": lambda tokenizer: False,
}


class Stand(types.ModuleType):
    """A module in whose place nothing real is needed."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return KNOWN.get(name) or type(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, root):
        self.root = Path(root)

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ("vllm", "openai"):
            return None
        if name.startswith(REAL):
            file = self.root / Path(*name.split("."))
            file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
            places = [str(file.parent)] if file.name == "__init__.py" else None
            return importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stand(spec.name)

    def exec_module(self, module):
        pass


def call(name, arguments):
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            pass
    return {"name": name, "arguments": arguments}


def by_transformers(tokenizer, prompt, text):
    try:
        message = parse_response(text, tokenizer.response_template, prefix=prompt)
    except (ValueError, KeyError) as error:
        return {"error": str(error)[:200]}
    calls = []
    for each in message.get("tool_calls", []):
        function = each["function"] if isinstance(each.get("function"), dict) else {}
        calls.append(call(function.get("name"), function.get("arguments")))
    return {
        "content": message.get("content", ""),
        "reasoning": message.get("thinking", ""),
        "calls": calls,
    }


def vllm_readers(root, tokenizer, prompt):
    sys.meta_path.insert(0, Finder(root))
    logging.disable(logging.CRITICAL)
    hermes = importlib.import_module("vllm.tool_parsers.hermes_tool_parser")
    template = importlib.import_module("vllm.parser.response_template")
    loaded = template._streaming_template(tokenizer.response_template)

    def by_hermes(text):
        said = hermes.Hermes2ProToolParser(tokenizer).extract_tool_calls(text, None)
        calls = [call(each.function.name, each.function.arguments) for each in said.tool_calls]
        return {"content": (said.content or "").strip(), "calls": calls}

    def by_template(text):
        stream = template._ResponseStream(
            loaded,
            prefix=prompt,
            tools=[],
            parse_reasoning=True,
            include_reasoning=True,
            parse_tools=True,
            new_tool_call_id=lambda name: "id",
        )
        delta = stream.feed(text, finished=True)
        found = getattr(delta, "tool_calls", []) if delta is not None else []
        calls = [call(each.function.name, each.function.arguments) for each in found]
        return {
            "content": (getattr(delta, "content", None) or "").strip(),
            "reasoning": (getattr(delta, "reasoning", None) or "").strip(),
            "calls": calls,
        }

    return {"hermes": by_hermes, "vllmTemplate": by_template}


def main():
    cases_path, out, *rest = sys.argv[1:]
    with open(cases_path, encoding="utf8") as file:
        cases = json.load(file)
    tokenizer = AutoTokenizer.from_pretrained(cases["folder"])
    prompt = cases["prompt"]
    readers = {"transformers": lambda text: by_transformers(tokenizer, prompt, text)}
    if rest:
        readers |= vllm_readers(rest[0], tokenizer, prompt)
    reads = [{name: read(text) for name, read in readers.items()} for text in cases["texts"]]
    with open(out, "w", encoding="utf8") as file:
        json.dump({"transformers": transformers.__version__, "reads": reads}, file, ensure_ascii=False)


main()
