#!/usr/bin/env bash
# The length of a safetensors header changes what transformers computes with the same weights on an AMD processor.
#
# Versions: torch 2.15.0 (CPU, with MKL 2024.2), transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6. x86-64 Linux.
# Expected: two files that hold the same tensors, bit for bit, and differ in `__metadata__` only give the same logits.
# Happens:  the logits differ in the last bits. Tensors are memory-mapped where they lie in the file, and `save_file` pads
#           the header to 8 bytes, so half of all header lengths put the weights 8 bytes past a multiple of 16. torch gives
#           float32 products to MKL, which sums such a weight in another order where there is a single row.
# Affected: a single row times a weight with four outputs or more, so every step of generation, and the head where only
#           the last position is wanted; and a head with one output where the number of rows is no multiple of four. Other
#           float32 products of two rows or more were equal, and so were all of bfloat16 and float16; float64 also differs.
# Equal:    with weights that were copied (`clone()`, or loaded with another dtype) or that come from `torch.load`, for both
#           allocate at multiples of 64; and with MKL_CBWR=AUTO or COMPATIBLE in the environment, MKL's reproducible mode.
# Processor: seen on AMD EPYC (Zen 4), where MKL takes its path for processors that are not Intel's; torch's own
#           ATEN_CPU_CAPABILITY and oneDNN's ONEDNN_MAX_CPU_ISA make no difference. With MKL made to believe that the same
#           machine is an Intel one, the difference vanished, with AVX2 and with AVX-512: expect none on Intel. Not tried
#           on a real Intel processor.
#
# Usage: findings/safetensors-header-length.sh [interpreter]
#   Without an interpreter that has the packages, a virtual environment is made in a temporary folder and removed at the
#   end: 200 MB to download from torch's CPU index, or some GB from PyPI where that index cannot be reached.
# Exit code: 0 it is as stated, 1 it no longer is, 2 not on this processor, 3 the packages are missing.
set -euo pipefail
unset MKL_CBWR MKL_ENABLE_INSTRUCTIONS ATEN_CPU_CAPABILITY ONEDNN_MAX_CPU_ISA
export HF_HUB_OFFLINE=1 TQDM_DISABLE=1 TRANSFORMERS_VERBOSITY=error

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python=${1:-}
if [ -z "$python" ]; then
  python=$scratch/venv/bin/python
  pip=("$python" -m pip install --quiet --disable-pip-version-check)
  echo "Installing torch, transformers, safetensors and numpy into a temporary folder (some minutes)"
  {
    python3 -m venv "$scratch/venv" &&
      { "${pip[@]}" --retries 0 --index-url https://download.pytorch.org/whl/cpu torch==2.15.0 2>/dev/null ||
        "${pip[@]}" torch==2.15.0; } &&
      "${pip[@]}" torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 numpy==2.4.6
  } || { echo "The packages could not be installed." >&2; exit 3; }
fi
"$python" -c 'import numpy, safetensors, torch, transformers' ||
  { echo "$python lacks a package that this needs." >&2; exit 3; }

cat > "$scratch/compare.py" <<'PYTHON'
import platform, re, struct, sys
from pathlib import Path

import numpy, safetensors, torch, transformers
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
torch.manual_seed(0)
torch.set_grad_enabled(False)
scratch = Path(sys.argv[1])
# Eight characters more in the metadata put every tensor eight bytes further on.
notes = {"A": "1", "B": "1" + 8 * "2"}


def write(name, tensors):
    """The same tensors in two files that differ in the metadata only."""
    files = {}
    for key, note in notes.items():
        files[key] = scratch / f"{name}-{key}" / "model.safetensors"
        files[key].parent.mkdir()
        save_file(tensors, files[key], metadata={"format": "pt", "note": note})
    lengths = {key: struct.unpack("<Q", file.read_bytes()[:8])[0] for key, file in files.items()}
    print(f"{name}: header of {lengths['A']} bytes in A, of {lengths['B']} in B")
    return files


def place(tensor):
    return f"data_ptr % 64 = {tensor.data_ptr() % 64}"


def difference(a, b):
    """Compares two results, says so, and returns whether they differ."""
    count = int((a != b).sum())
    print(f"equal, {a.numel()} values" if not count
          else f"DIFFERENT, {count} of {a.numel()} values, by at most {float((a - b).abs().max()):.3g}")
    return count > 0


processor = platform.processor() or platform.machine()
vendor = "unknown"
if Path("/proc/cpuinfo").exists():
    text = Path("/proc/cpuinfo").read_text()
    vendor = (re.findall(r"^vendor_id\s*: (.+)", text, re.M) or [vendor])[0]
    processor = (re.findall(r"^model name\s*: (.+)", text, re.M) or [processor])[0]
mkl = torch.backends.mkl.is_available()
print(f"python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}, "
      f"safetensors {safetensors.__version__}, numpy {numpy.__version__}")
print(f"{processor} ({vendor}), {torch.backends.cpu.get_cpu_capability()}, MKL {'yes' if mkl else 'no'}\n")

# 1. One operation: F.linear with the weight as load_file gives it.
w = {"wide": torch.randn(64, 64), "single": torch.randn(1, 64)}
files = write("linear", w)
a, b = load_file(files["A"]), load_file(files["B"])
print(f"  weights equal: {all(torch.equal(a[k], b[k]) for k in w)}; A: {place(a['wide'])}, B: {place(b['wide'])}")
seen = {}
for rows, key in ((1, "wide"), (2, "wide"), (33, "wide"), (35, "single")):
    x = torch.randn(rows, 64)
    print(f"  F.linear, rows: {rows}, outputs: {len(a[key])}: ", end="")
    seen[rows, key] = difference(F.linear(x, a[key]), F.linear(x, b[key]))
    if rows == 1:
        print("  the same with both weights cloned: ", end="")
        cloned = difference(F.linear(x, a[key].clone()), F.linear(x, b[key].clone()))

# 2. A model: a tiny random Llama.
config = LlamaConfig(vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                     num_key_value_heads=2, bos_token_id=1, eos_token_id=None, pad_token_id=0)
original = LlamaForCausalLM(config).eval()
print()
files = write("llama", original.state_dict())
for file in files.values():
    config.save_pretrained(file.parent)


def load(key):
    return LlamaForCausalLM.from_pretrained(files[key].parent, dtype=torch.float32).eval()


def steps(model, ids):
    """The logits of each of 32 steps of greedy generation."""
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=32,
                         output_logits=True, return_dict_in_generate=True)
    return torch.cat(out.logits)


a, b = load("A"), load("B")
same = all(torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
print(f"  weights equal: {same}; A: {place(a.lm_head.weight)}, B: {place(b.lm_head.weight)}")
differs = []
for length in (1, 2, 5, 17, 64):
    ids = torch.randint(2, 256, (1, length))
    print(f"  logits, tokens: {length}: ", end="")
    differs.append(difference(a(ids).logits, b(ids).logits))
print("  logits, 32 steps of generation: ", end="")
differs.append(difference(steps(a, ids), steps(b, ids)))
print("  the same model A, loaded again: ", end="")
repeated = difference(steps(a, ids), steps(load("A"), ids))

# 3. The same bits at places that an allocator chose.
for model in (a, b):
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
print("  after parameter.data.clone() in both: ", end="")
copied = difference(steps(a, ids), steps(b, ids))
torch.save(b.state_dict(), scratch / "weights.pt")
b.load_state_dict(torch.load(scratch / "weights.pt"), assign=True)
print(f"  B through torch.save and torch.load ({place(b.lm_head.weight)}): ", end="")
pickled = difference(steps(a, ids), steps(b, ids))

print()
if any(differs) and seen[1, "wide"] and same and not (repeated or copied or pickled or cloned):
    print("As stated: equal weights, other logits, and only because of the header's length.")
    sys.exit(0)
if not any(differs) and not any(seen.values()) and not (mkl and vendor == "AuthenticAMD"):
    print("Not on this processor: all outputs are equal. It was seen on AMD processors, in a torch that has MKL.")
    sys.exit(2)
print("NO LONGER AS STATED: " + ("something else differs too, see above." if any(differs) or any(seen.values())
                                 else "all outputs are equal now."))
sys.exit(1)
PYTHON
"$python" "$scratch/compare.py" "$scratch"
