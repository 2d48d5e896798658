"""What Python's transformers computes with model directories: token ids, chats, logits, loss, greedy answers, rewards.

`python reference.py CASES OUT FOLDER...` writes one JSON line for each folder to OUT, for the texts and conversations of
the JSON file CASES. All weights are read to float32 and everything is computed in it, on one thread.
"""

import json
import re
import sys
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

# Templates that print today's date would give another text every day.
TEMPLATE_ARGUMENTS = {"date_string": "26 Jul 2024"}
LENGTH = 100
NEW_TOKENS = 16


def compute(folder, cases, positions=range(LENGTH)):
    """`positions`: those whose logits are kept."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = AutoConfig.from_pretrained(folder)
    result = {"tokenizer": tokens_of(tokenizer, cases), "chats": [chat_of(tokenizer, messages) for messages in cases["conversations"]]}
    if config.architectures[0].endswith("ForSequenceClassification"):
        return {**result, "rewards": rewards_of(folder, result)}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return {**result, **numbers_of(model, positions), "greedy": [greedy_of(model, prompt) for prompt in prompts_of(result)]}


def tokens_of(tokenizer, cases):
    """
    `prefix` is what `encode` puts before every text (Llama: the beginning of text); `changed` are the texts that decoding
    does not give back as they were (Qwen normalizes), by their place.
    """
    texts = [tokenizer.encode(text, add_special_tokens=False) for text in cases["texts"]]
    decoded = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in texts]
    prefix = tokenizer.encode("")
    assert [tokenizer.encode(text) for text in cases["texts"]] == [prefix + ids for ids in texts]
    return {
        "size": len(tokenizer),
        "prefix": prefix, "texts": texts, "changed": {str(i): text for i, text in enumerate(decoded) if text != cases["texts"][i]},
        "prompts": [tokenizer.encode(text) for text in cases["prompts"]],
    }


def chat_of(tokenizer, messages):
    """`loss` is the assistant mask, for templates that mark the assistant's words; `spoken` the text less special tokens."""

    def apply(generate, **options):
        return tokenizer.apply_chat_template(messages, add_generation_prompt=generate, **TEMPLATE_ARGUMENTS, **options)

    marked = re.search(r"\{%-?\s*generation", tokenizer.chat_template) is not None
    encoded = apply(False, return_dict=True, return_assistant_tokens_mask=marked)
    chat = {"text": apply(False, tokenize=False), "tokens": encoded["input_ids"]}
    chat["spoken"] = tokenizer.decode(chat["tokens"], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if marked:
        chat["loss"] = encoded["assistant_masks"]
    prompt, prompt_ids = apply(True, tokenize=False), apply(True, return_dict=True)["input_ids"]
    assert prompt.startswith(chat["text"]) and prompt_ids[:len(chat["tokens"])] == chat["tokens"]
    chat["opening"] = {"text": prompt[len(chat["text"]):], "tokens": prompt_ids[len(chat["tokens"]):]}
    return chat


def numbers_of(model, positions):
    ids = torch.randint(0, model.config.vocab_size, (1, LENGTH), generator=torch.Generator().manual_seed(7))
    output = model(ids, labels=ids)
    return {
        "ids": ids[0].tolist(), "positions": list(positions), "loss": output.loss.item(),
        "logits": [output.logits[0, position].tolist() for position in positions],
    }


def rewards_of(folder, result):
    """One number for each conversation: the head on the last token."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return [model(torch.tensor([chat["tokens"]])).logits.item() for chat in result["chats"]]


def prompts_of(result):
    return [*result["tokenizer"]["prompts"], *(chat["tokens"] + chat["opening"]["tokens"] for chat in result["chats"][:2])]


def greedy_of(model, prompt):
    """The answer without the stop token that ended it, up to a step where rounding could decide between two tokens."""
    eos = model.generation_config.eos_token_id
    stops = eos if isinstance(eos, list) else [eos]
    output = model.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), max_new_tokens=NEW_TOKENS,
        do_sample=False, repetition_penalty=1.0, pad_token_id=stops[0], output_logits=True, return_dict_in_generate=True)
    best = [logits[0].topk(2).values for logits in output.logits]
    close = [(first - second).item() < 1e-3 for first, second in best] + [True]
    tokens = output.sequences[0, len(prompt):].tolist()[:close.index(True)]
    stop = tokens.pop() if tokens and tokens[-1] in stops else None
    return {"prompt": prompt, "tokens": tokens, "stop": stop}


def compact(value):
    """Seven digits of every number."""
    if isinstance(value, dict):
        return {key: compact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [compact(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


if __name__ == "__main__":
    cases_file, out, *folders = sys.argv[1:]
    with open(out, "w") as lines:
        for each in folders:
            lines.write(json.dumps(compute(each, json.loads(Path(cases_file).read_text()))) + "\n")
