"""``novacron scaling``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from novacron_cli import quantities
from novacron_cli.connection import connect
from novacron_cli.failure import told
from novacron_cli.options import GraceOption, IdOption, LimitOption, RestartOption, WaitOption
from novacron_cli.output import Columns, Output, OutputOption, write_list, write_one
from novacron_cli.words import ago, size

app = typer.Typer(no_args_is_help=True, help="Scaling: what size VMs should have, by what they needed.")

VmArgument = Annotated[str, typer.Argument(metavar="VM", help="Id or name of the VM.")]
RecommendationArgument = Annotated[str, typer.Argument(metavar="RECOMMENDATION", help="Id of the recommendation.")]


@app.command(epilog="Example:  novacron scaling generate web-1 --horizon 7d --quantile 0.99")
@told
async def generate(
    context: typer.Context,
    vm: VmArgument,
    horizon: Annotated[str, typer.Option(metavar="DURATION", help="How far ahead: 1h to 14d.")] = "1d",
    quantile: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="The share of the time that the size has to hold.")
    ] = 0.98,
    id: IdOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Recommend a size for a VM, with its confidence and why. Nothing is resized until `novacron scaling apply`.

    It takes three days of measurements for a horizon of a day, and says how much is missing. Prices are list prices, the
    same for every node.
    """
    seconds = quantities.seconds(horizon)
    from uuid import uuid4

    from google.protobuf.duration_pb2 import Duration

    from novacron.api.scheduler.v1 import GenerateScalingRecommendationRequest, ScalingServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        request = GenerateScalingRecommendationRequest(
            recommendation_id=id or str(uuid4()),
            vm_id=await finding.vm_id(connection, vm),
            horizon=Duration(seconds=int(seconds)),
            quantile=quantile,
        )
        made = await connection.of_scheduler(ScalingServiceStub).GenerateScalingRecommendation(request)
        write_one(made, FIELDS, output)


@app.command(epilog="Example:  novacron scaling show 0198c1f2-7c1e-7e52-b3a5-3f1f8c7f5b11")
@told
async def show(
    context: typer.Context, recommendation: RecommendationArgument, output: OutputOption = Output.TABLE
) -> None:
    """Show a recommendation."""
    from novacron.api.scheduler.v1 import GetScalingRecommendationRequest, ScalingServiceStub

    async with connect(context) as connection:
        request = GetScalingRecommendationRequest(recommendation_id=recommendation)
        write_one(await connection.of_scheduler(ScalingServiceStub).GetScalingRecommendation(request), FIELDS, output)


@app.command("list", epilog="Example:  novacron scaling list --vm web-1")
@told
async def list_recommendations(
    context: typer.Context,
    vm: Annotated[str, typer.Option(metavar="VM", help="Only of this VM, by id or name.")] = "",
    limit: LimitOption = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """List recommendations, the newest first."""
    from novacron.api.scheduler.v1 import ListScalingRecommendationsRequest, ScalingServiceStub
    from novacron_cli import finding

    async with connect(context) as connection:
        request = ListScalingRecommendationsRequest(vm_id=await finding.vm_id(connection, vm) if vm else "")
        call = connection.of_scheduler(ScalingServiceStub).ListScalingRecommendations
        write_list(await finding.everything(call, request, "recommendations", limit), COLUMNS, output)


@app.command(epilog="Example:  novacron scaling feedback 0198c1f2-7c1e-7e52-b3a5-3f1f8c7f5b11 4")
@told
async def feedback(
    context: typer.Context,
    recommendation: RecommendationArgument,
    score: Annotated[int, typer.Argument(min=1, max=5, help="1: made it worse ... 5: just right.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Say how good a recommendation was. The last word counts."""
    from novacron.api.scheduler.v1 import RateScalingRecommendationRequest, ScalingServiceStub

    async with connect(context) as connection:
        request = RateScalingRecommendationRequest(recommendation_id=recommendation, feedback_score=score)
        write_one(await connection.of_scheduler(ScalingServiceStub).RateScalingRecommendation(request), FIELDS, output)


@app.command(epilog="Example:  novacron scaling apply 0198c1f2-7c1e-7e52-b3a5-3f1f8c7f5b11 --restart")
@told
async def apply(
    context: typer.Context,
    recommendation: RecommendationArgument,
    restart: RestartOption = False,
    grace: GraceOption = None,
    wait: WaitOption = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Give the VM the size that was recommended, as `novacron vm resize` does.

    It is refused when the VM no longer has the size that the recommendation was made for: make a new one.
    """
    from uuid import uuid4

    from novacron.api.scheduler.v1 import GetScalingRecommendationRequest, ScalingServiceStub
    from novacron.api.vm.v1 import VM_STATE_RUNNING, VM_STATE_STOPPED, ResizeVmRequest
    from novacron_cli.vm_operate import operate

    async with connect(context) as connection:
        request = GetScalingRecommendationRequest(recommendation_id=recommendation)
        made = await connection.of_scheduler(ScalingServiceStub).GetScalingRecommendation(request)
    order = ResizeVmRequest(
        vm_id=made.vm_id,
        recommendation_id=recommendation,
        restart=restart,
        grace_seconds=grace,
        request_id=str(uuid4()),
        return_immediately=True,
    )
    ends = (VM_STATE_RUNNING, VM_STATE_STOPPED)
    await operate(context, made.vm_id, "resizing", lambda vms, _: vms.ResizeVm(order), ends, wait, output)


def _change(name: str, unit: Any = str) -> Any:
    def cell(made: Any) -> str:
        now, then = (getattr(held, name) for held in (made.current_resources, made.recommended_resources))
        return unit(now) if now == then else f"{unit(now)} -> {unit(then)}"

    return cell


COLUMNS: Columns = {
    "id": lambda made: made.recommendation_id,
    "vm": lambda made: made.vm_id,
    "cpu": _change("cpu_cores"),
    "memory": _change("memory_mib", lambda mib: size(mib * 1024**2)),
    "confidence": lambda made: f"{made.confidence:.0%}",
    "a month": lambda made: made.cost_impact,
    "feedback": lambda made: f"{made.feedback_score} of 5" if made.feedback_score else "",
    "made": lambda made: ago(made.created_at),
    "applied": lambda made: ago(made.applied_at) if made.HasField("applied_at") else "",
}
FIELDS: Columns = {
    **COLUMNS,
    "horizon": lambda made: f"{made.horizon.seconds // 3600} h",
    "why": lambda made: made.reason,
}
