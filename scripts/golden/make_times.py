"""Writes test/data/fixtures/times.arrow: days, times, decimals and durations of every unit, and what they are, by pyarrow.

    pip install pyarrow==26.0.1
    python scripts/golden/make_times.py
"""

import datetime as dt
import decimal
import json
from pathlib import Path

import pyarrow as pa

fixtures = Path(__file__).resolve().parents[2] / "test" / "data" / "fixtures"
utc = dt.timezone.utc
days = [dt.date(2024, 2, 29), dt.date(1969, 12, 31), None]
moments = [dt.datetime(2024, 2, 29, 23, 59, 58, 123456), dt.datetime(1969, 12, 31, 23, 59, 59, 999000), None]
clock = [dt.time(13, 45, 0, 250000), dt.time(0), None]
amounts = [decimal.Decimal("-12.50"), decimal.Decimal("12345678901234567890.12"), None]
columns = {
    "date32": pa.array(days, pa.date32()),
    "date64": pa.array(days, pa.date64()),
    "seconds": pa.array([m and m.replace(microsecond=0) for m in moments], pa.timestamp("s")),
    "milliseconds": pa.array([m and m.replace(microsecond=m.microsecond // 1000 * 1000) for m in moments], pa.timestamp("ms", tz="UTC")),
    "microseconds": pa.array(moments, pa.timestamp("us")),
    "nanoseconds": pa.array(moments, pa.timestamp("ns")),
    "time32": pa.array([t and t.replace(microsecond=0) for t in clock], pa.time32("s")),
    "time64": pa.array(clock, pa.time64("us")),
    "decimal128": pa.array(amounts, pa.decimal128(22, 2)),
    "decimal256": pa.array(amounts, pa.decimal256(40, 2)),
    "duration": pa.array([dt.timedelta(seconds=90), dt.timedelta(seconds=-1), None], pa.duration("s")),
}
table = pa.table(columns)
with pa.ipc.new_file(fixtures / "times.arrow", table.schema) as writer:
    writer.write_table(table)


def shown(value):
    if isinstance(value, dt.datetime):
        value = value.astimezone(utc).replace(tzinfo=None) if value.tzinfo else value
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, dt.time):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return float(value) if len(value.as_tuple().digits) <= 15 else str(value)
    return value


rows = [{name: shown(value.as_py() if not hasattr(value.as_py(), "to_pydatetime") else value.as_py().to_pydatetime()) for name, value in zip(table.column_names, row)} for row in zip(*[column for column in table.columns])]
(fixtures / "times.json").write_text(json.dumps(rows, indent=2) + "\n")
