"""A scheduler that tells where a node is, as long as it is well; and a breaker that two failures open."""

from novacron.api.scheduler.v1 import GetNodeRequest, Node, NodeServiceServicer
from novacron.errors import Unavailable
from novacron.rpc.breaker_configuration import BreakerConfiguration

EAGER = BreakerConfiguration(minimum_request_threshold=2, failure_threshold=2, timeout_duration_seconds=0.2)


class Nodes(NodeServiceServicer):
    def __init__(self):
        self.down = False
        self.calls = 0

    async def GetNode(self, request, context):
        self.calls += 1
        if self.down:
            raise Unavailable("the scheduler is starting")
        return Node(name=request.node, agent_address=f"host:{self.calls}")


def ask(stub, name="n1"):
    return stub.GetNode(GetNodeRequest(node=name))
