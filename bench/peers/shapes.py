"""The named shapes of src/bench/shapes.ts, written down a second time, and the operations that a token costs.

Needs no PyTorch: `python3 shapes.py` prints the table as JSON, which a test compares with ours.
"""
import json
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shape:
    layers: int
    width: int  # d, of the residual stream
    heads: int
    feed_forward: int
    vocabulary: int
    columns: int  # T, tokens in a row
    rows: int  # B, rows in a training batch
    key_heads: int = 0  # of keys and values; 0: as many as of queries
    head_width: int = 0  # 0: the width shared out among the heads

    @property
    def groups(self) -> int:
        return self.key_heads or self.heads

    @property
    def head(self) -> int:
        return self.head_width or self.width // self.heads

    def with_columns(self, columns: int) -> "Shape":
        return replace(self, columns=columns)

    def with_batch_of(self, columns: int) -> "Shape":
        """Rows of that length, and about as many tokens in a batch."""
        return replace(self, columns=columns, rows=max(1, int(self.rows * self.columns / columns + 0.5)))

    @property
    def parameters(self) -> int:
        """All of them; the embedding is also the output projection and counts once."""
        d, head = self.width, self.head
        layer = 2 * d * head * (self.heads + self.groups) + 3 * d * self.feed_forward + 2 * d + 2 * head
        return self.vocabulary * d + self.layers * layer + d

    @property
    def flops_per_token(self) -> int:
        return 6 * self.parameters + 12 * self.layers * self.columns * self.width


SHAPES = {
    "100k": Shape(2, 64, 2, 192, 512, 32, 4),
    "1m": Shape(4, 128, 4, 352, 4096, 128, 16),
    "7m": Shape(6, 256, 4, 704, 8192, 256, 16),
    "34m": Shape(8, 512, 8, 1376, 16384, 512, 4),
    "quickstart": Shape(4, 128, 4, 352, 16384, 128, 16),
}

# Of fine-tuning alone: the widths and the vocabulary of Qwen3-0.6B in 22 layers instead of 28, one row at a time.
LORA_SHAPES = {**SHAPES, "qwen3-0.5b": Shape(22, 1024, 16, 3072, 151936, 512, 1, key_heads=8, head_width=128)}


def conversation(index: int, columns: int) -> tuple[int, int]:
    """Tokens of a conversation's prompt and of its answer: together an eighth of a row up to a whole one."""
    shortest = columns // 8
    length = shortest + index * 7919 % (columns - shortest + 1)
    return length // 2, length - length // 2


def pair(index: int, columns: int) -> tuple[int, int, int]:
    """Tokens of a prompt and of its two answers: those of a conversation, and another answer up to a quarter shorter or longer."""
    prompt, chosen = conversation(index, columns)
    rejected = max(1, chosen * (768 + index * 7907 % 513) // 1024)
    return prompt, chosen, min(rejected, columns - prompt)


if __name__ == "__main__":
    print(json.dumps({
        name: {"parameters": s.parameters, "flopsPerToken": s.flops_per_token, "tokensPerStep": s.rows * s.columns}
        for name, s in SHAPES.items()
    }))
