"""``novacron metrics``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import VmArgument
from novacron_cli.output import Columns, Output, OutputOption, as_json, write_data, write_list, write_table
from novacron_cli.words import size, when

app = typer.Typer(no_args_is_help=True, help="What is measured of VMs.")


class Aggregate(StrEnum):
    """How the values of a step become one."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    LAST = "last"


@app.callback()
def group() -> None:
    """What is measured of VMs."""


@app.command(
    epilog="Examples:  novacron metrics show web-1  |  "
    "novacron metrics show web-1 --metric cpu_usage_percent --since 15m --step 10s --aggregate max"
)
@told
async def show(
    context: typer.Context,
    vm: VmArgument,
    metric: Annotated[str, typer.Option(help="One metric over time, such as cpu_usage_percent.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="From when: 15m, 2d, or 2026-03-01T12:00.")] = "1h",
    step: Annotated[str, typer.Option(metavar="DURATION", help="One value for so long.")] = "1m",
    aggregate: Annotated[Aggregate, typer.Option(help="How the values of a step become one.")] = Aggregate.AVG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a VM's newest sample, or one metric of it over time."""
    start, width = quantities.moment(since), quantities.seconds(step)
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.timestamp_pb2 import Timestamp

    from novacron.api.monitoring.v1 import GetLatestVmMetricsRequest, QueryVmMetricsRequest
    from novacron_cli import finding

    async with connect(context) as connection:
        vm_id = await finding.vm_id(connection, vm)
        if not metric:
            sample = await connection.metrics.GetLatestVmMetrics(GetLatestVmMetricsRequest(vm_id=vm_id))
            _write_sample(sample, output)
            return
        start_time, width_of_step = Timestamp(), Duration()
        start_time.FromDatetime(start)
        width_of_step.FromNanoseconds(round(width * 1e9))
        request = QueryVmMetricsRequest(
            vm_id=vm_id,
            metric=metric,
            start_time=start_time,
            step=width_of_step,
            aggregate=f"AGGREGATE_{aggregate.upper()}",
        )
        answer = await connection.metrics.QueryVmMetrics(request)
        if output is Output.TABLE:
            write_list(answer.points, _columns(metric, answer.unit), output)
        else:
            write_data(as_json(answer), output)


def _write_sample(sample: Any, output: Output) -> None:
    if output is not Output.TABLE:
        write_data(as_json(sample), output)
        return
    rows = [("time", when(sample.time))]
    for field, value in sample.ListFields():
        if field.name not in ("time", "vm_id"):
            rows.append((field.name, _reading(field.name, value)))
    write_table(("metric", "value"), rows)


def _reading(name: str, value: float) -> str:
    if name.endswith("_percent"):
        return f"{value:.1f} %"
    return size(value) if "_bytes" in name else str(value)


def _columns(metric: str, unit: str) -> Columns:
    def reading(point: Any) -> str:
        if unit == "percent":
            return f"{point.value:.1f} %"
        return size(point.value) if unit == "bytes" else f"{point.value:g} {unit}".strip()

    return {"time": lambda point: when(point.time), metric: reading}
