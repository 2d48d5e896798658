"""Asks a server of ours through OpenAI's client; facts.json says where it is, and what its model was trained to say."""

import asyncio
import json
import sys

import openai

facts = json.load(open(sys.argv[1], encoding="utf-8"))
words, tool = facts["words"], {"type": "function", "function": facts["tool"]}
client = openai.OpenAI(base_url=facts["url"], api_key="none", max_retries=0)
count = [{"role": "user", "content": "Count."}]
greedy = {"model": "any", "messages": count, "temperature": 0}
chat = client.chat.completions
done = []


def check(name, value, wanted=True):
    assert value == wanted, f"{name}: {value!r} is not {wanted!r}"
    done.append(name)


whole = chat.create(**greedy)
check("whole", (whole.choices[0].message.content, whole.choices[0].finish_reason, whole.model), (words, "stop", "counts"))
chunks = list(chat.create(**greedy, stream=True, stream_options={"include_usage": True}))
check("streamed", "".join(c.choices[0].delta.content or "" for c in chunks if c.choices), words)
check("usage in the last chunk", chunks[-1].usage, whole.usage)

drawn = {**greedy, "temperature": 3, "n": 3, "seed": 5, "max_tokens": 10}
texts = [[c.message.content for c in chat.create(**drawn).choices] for _ in range(2)]
check("a seed gives its answers again", texts[0], texts[1])
check("several answers", len(set(texts[0])) > 1)

check("stop", chat.create(**greedy, stop=["ee fo"]).choices[0].message.content, "One two thr")
entries = chat.create(**greedy, logprobs=True, top_logprobs=2).choices[0].logprobs.content
check("log-probabilities", b"".join(bytes(e.bytes) for e in entries).decode(), words)
check("the likeliest beside it", all(len(e.top_logprobs) == 2 and e.top_logprobs[0].token == e.token for e in entries))

question = [{"role": "user", "content": "12*3?"}]
called = chat.create(**{**greedy, "messages": question}, tools=[tool]).choices[0]
call = called.message.tool_calls[0]
check("a call", (called.finish_reason, call.function.name, json.loads(call.function.arguments)), ("tool_calls", "Calculate", {"expression": "12*3"}))
result = {"role": "tool", "tool_call_id": call.id, "content": "36"}
answered = chat.create(**{**greedy, "messages": [*question, called.message, result]}, tools=[tool])
check("its result", answered.choices[0].message.content, "It is 36.")
required = chat.create(**{**greedy, "messages": count}, tools=[tool], tool_choice="required", max_tokens=40)
check("a required call", required.choices[0].message.tool_calls[0].function.name, "Calculate")

text = client.completions.create(model="any", prompt=["One two", "a"], max_tokens=3, logprobs=1)
check("completions", [c.index for c in text.choices], [0, 1])
check("models", [m.id for m in client.models.list()], ["counts"])

for name, more, code in [
    ("too long", {"max_tokens": 600}, "context_length_exceeded"),
    ("not built", {"presence_penalty": 1}, "unsupported_parameter"),
]:
    try:
        chat.create(**greedy, **more)
        raise SystemExit(f"{name} was answered")
    except openai.BadRequestError as error:
        check(name, error.code, code)


async def together():
    own = openai.AsyncOpenAI(base_url=facts["url"], api_key="none", max_retries=0)
    answers = await asyncio.gather(*(own.chat.completions.create(**greedy) for _ in range(20)))
    check("20 at once", {a.choices[0].message.content for a in answers}, {words})
    stream = await own.chat.completions.create(**{**greedy, "temperature": 5, "max_tokens": 400}, stream=True)
    async for _ in stream:
        break
    await stream.close()


asyncio.run(together())
check("after one that went away", chat.create(**greedy).choices[0].message.content, words)
print(f"openai {openai.__version__} for Python: {len(done)} checks: {', '.join(done)}")
