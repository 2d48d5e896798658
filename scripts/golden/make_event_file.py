# Writes test/report/fixtures/events.out.tfevents.1700000000.golden: a small file of TensorBoard's events by tensorboard's own
# writer and message classes, with which test/report/event-file.test.ts compares framing, checksums and messages byte for byte.
# Run: pip install tensorboard==2.21.0, then python scripts/golden/make_event_file.py
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

text = TensorProto(dtype=7, tensor_shape=TensorShapeProto(), string_val=["你好\n    x".encode()])
metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"), data_class=2)
curves = [
    Summary.Value(tag="training/loss", simple_value=3.140625),
    Summary.Value(tag="training/gradientNorm", simple_value=float("inf")),
]
events = [
    Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    Event(wall_time=1700000001.5, step=300, summary=Summary(value=curves)),
    Event(
        wall_time=1700000002,
        step=5_000_000_000,
        summary=Summary(value=[Summary.Value(tag="samples/x", tensor=text, metadata=metadata)]),
    ),
    Event(wall_time=1700000003, step=128, session_log=SessionLog(status=SessionLog.START)),
]
name = "events.out.tfevents.1700000000.golden"
path = pathlib.Path(__file__).parents[2] / "test/report/fixtures" / name
with open(path, "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString())
