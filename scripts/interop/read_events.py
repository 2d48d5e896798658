# What TensorBoard's own reader makes of the event files below a folder, as JSON: for each folder, the points of every curve and
# the steps of every text. Run by scripts/interop/tensorboard.mjs.
import json
import os
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

root, found = sys.argv[1], {}
for folder, _, files in os.walk(root):
    if not any("tfevents" in name for name in files):
        continue
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    found[os.path.relpath(folder, root)] = {
        "scalars": {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]},
        "texts": {
            tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in events.Tensors(tag)]
            for tag in events.Tags()["tensors"]
        },
    }
json.dump(found, sys.stdout)
