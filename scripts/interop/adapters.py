"""What PEFT and transformers compute with folders that mossctl wrote, for adapters.mjs.

    python adapters.py CASES OUT

CASES: JSON, a list of {base, folder, ids, reward}; `base` is absent for a whole model. OUT: a list of {logits, plain}: of the last
position of each row, with the adapter and, where there is one, with the base alone; the score where the model gives one.
"""

import json
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

warnings.filterwarnings("error", message="Found missing adapter keys|.*unexpected keys")  # PEFT itself goes on


def outputs(model, ids, reward):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor(ids)).logits
    return (logits[:, 0] if reward else logits[:, -1]).flatten().tolist()


def compute(case):
    reward = case["reward"]
    loader = AutoModelForSequenceClassification if reward else AutoModelForCausalLM
    options = {"num_labels": 1, "pad_token_id": 0} if reward else {}
    if "base" not in case:
        return {"logits": outputs(loader.from_pretrained(case["folder"], dtype=torch.float32).eval(), case["ids"], reward)}
    base = loader.from_pretrained(case["base"], dtype=torch.float32, **options).eval()
    plain = outputs(base, case["ids"], reward)
    model = PeftModel.from_pretrained(base, case["folder"]).eval()
    return {"logits": outputs(model, case["ids"], reward), "plain": plain}


torch.set_num_threads(1)
cases = json.load(open(sys.argv[1]))
json.dump([compute(case) for case in cases], open(sys.argv[2], "w"))
