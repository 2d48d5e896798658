"""Writes test/golden/questions.json: what others make of the same questions and answers.

- multiple choice: lm-evaluation-harness's acc, acc_norm and log-likelihoods on test/interop/fixtures/llama-3.2, zero-shot
  and with two examples;
- sentence chrF2 of sacrebleu; ROUGE-L of rouge_score (ASCII only: it sees nothing in a Chinese text).

Run: pip install lm_eval==0.4.13 sacrebleu==2.6.0 rouge_score==0.1.2 torch transformers==5.24.0 datasets
and python scripts/golden/make_questions.py, then: npx biome check --write test/golden/questions.json
"""

import json
import tempfile
from pathlib import Path

import sacrebleu
from lm_eval import simple_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from rouge_score import rouge_scorer

root = Path(__file__).resolve().parents[2]
rows = [
    {"question": "The sky is", "choices": ["blue", "a green table", "loud"], "right": 0},
    {"question": "2 + 2 =", "choices": ["4", "5", "22"], "right": 0},
    {"question": "鸡蛋是什么形状？", "choices": ["方的", "圆的", "三角形的"], "right": 1},
    {"question": "Which one is an animal?", "choices": ["stone", "cat", "rain", "the house on the hill"], "right": 1},
    {"question": "a", "choices": ["b", "bb", "bbb"], "right": 2},
    {"question": "Is this a question?", "choices": ["yes", "no"], "right": 0},
    {"question": "The naïve café", "choices": ["ölförmig", "😀 emoji", "plain"], "right": 2},
    {"question": "x\ny", "choices": ["two lines", "one line"], "right": 0},
]
shown = [("Is ice cold?", "yes"), ("What is 1 + 1?", "2")]


def harness(few):
    prefix = "".join(f"Question: {q}\nAnswer: {a}\n\n" for q, a in few)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("".join(json.dumps({**row, "prompt": prefix}) + "\n" for row in rows))
        file.flush()
        task = ConfigurableTask(
            config={
                "task": "own",
                "dataset_path": "json",
                "dataset_kwargs": {"data_files": {"test": file.name}},
                "test_split": "test",
                "output_type": "multiple_choice",
                "doc_to_text": "{{prompt}}Question: {{question}}\nAnswer:",
                "doc_to_choice": "choices",
                "doc_to_target": "right",
                "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
            }
        )
        lm = HFLM(
            pretrained=str(root / "test/interop/fixtures/llama-3.2"), device="cpu", dtype="float32", batch_size=1, add_bos_token=True
        )
        results = simple_evaluate(model=lm, tasks=[task], bootstrap_iters=0)
    samples = sorted(results["samples"]["own"], key=lambda sample: sample["doc_id"])
    return {
        "acc": results["results"]["own"]["acc,none"],
        "acc_norm": results["results"]["own"]["acc_norm,none"],
        "logLikelihoods": [[float(each[0]) for each in sample["filtered_resps"]] for sample in samples],
        "right": [[sample["acc"], sample["acc_norm"]] for sample in samples],
    }


pairs = [
    ("The cat sat on the mat.", "The cat is on the mat."),
    ("the cat", "the cat"),
    ("", "something"),
    ("a", "ab"),
    ("short", "a much longer reference than the answer is, in many words"),
    ("一只猫坐在垫子上。", "垫子上坐着一只猫。"),
    ("今天 天气 很好", "今天天气很好"),
    ("naïve café 😀😀", "naive cafe 😀"),
    ("xyz", "abc"),
    ("  white\tspace\n", "white space"),
    ("The answer is 42.", "42"),
    ("aaaaaaaaaa", "aaa"),
]
rouge = rouge_scorer.RougeScorer(["rougeL"])
golden = {
    "rows": rows,
    "shown": shown,
    "zeroShot": harness([]),
    "twoShot": harness(shown),
    "chrF": [[answer, reference, sacrebleu.sentence_chrf(answer, [reference]).score] for answer, reference in pairs],
    "rougeL": [
        [answer, reference, rouge.score(reference, answer)["rougeL"].fmeasure]
        for answer, reference in pairs
        if answer.isascii() and reference.isascii() and answer
    ],
}
(root / "test/golden/questions.json").write_text(json.dumps(golden, ensure_ascii=False), encoding="utf8")
