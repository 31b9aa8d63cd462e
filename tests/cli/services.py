"""The services as the command sees them: small, in memory, behind real servers with real TLS and real permissions."""

from __future__ import annotations

from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from novacron.api.auth.v1 import (
    USER_ROLE_ADMIN,
    USER_ROLE_OPERATOR,
    AuthServiceServicer,
    LoginResponse,
    User,
    ValidateTokenResponse,
)
from novacron.api.federation.v1 import (
    PROVIDER_HEALTH_UNHEALTHY,
    PROVIDER_HEALTH_UNKNOWN,
    CloudProvider,
    ListCloudProvidersResponse,
    ProviderServiceServicer,
)
from novacron.api.monitoring.v1 import (
    ListVmMonitoringResponse,
    MetricsServiceServicer,
    Point,
    QueryVmMetricsResponse,
    VmMonitoring,
    VmSample,
)
from novacron.api.registry.v1 import (
    SERVICE_STATUS_HEALTHY,
    Instance,
    ListServicesResponse,
    RegistryServiceServicer,
    Service,
)
from novacron.api.scheduler.v1 import (
    NODE_STATUS_MAINTENANCE,
    NODE_STATUS_READY,
    Candidate,
    ListNodesResponse,
    ListReservationsResponse,
    Node,
    NodeServiceServicer,
    Reservation,
    ReservationServiceServicer,
    SchedulingDecision,
)
from novacron.api.vm.v1 import (
    DeleteTemplateResponse,
    ListNodeDomainsResponse,
    ListTemplatesResponse,
    NodeDomain,
    RepairServiceServicer,
    Template,
    TemplateServiceServicer,
)
from novacron.errors import NotFound, Unauthenticated
from novacron.testing.servers import KnownUsers, TestUser

from .vm_service import NODE_ID, at


class Auth(AuthServiceServicer):
    """Knows names with passwords, and gives each the token of a user that the servers know."""

    def __init__(self, users: KnownUsers) -> None:
        self.users = users
        self.passwords: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
        self.lifetime = 300.0
        self.logins: list[str] = []
        self.tokens: dict[str, TestUser] = {}

    async def Login(self, request, context):
        password, permissions = self.passwords.get((request.tenant, request.username), ("", ()))
        if not password or password != request.password:
            raise Unauthenticated("name, password or tenant do not match")
        self.logins.append(request.username)
        user = self.tokens[request.username] = self.users.add(*permissions)
        expires_at = Timestamp()
        expires_at.GetCurrentTime()
        expires_at.FromNanoseconds(expires_at.ToNanoseconds() + round(self.lifetime * 1e9))
        return LoginResponse(
            access_token=user.token,
            expires_at=expires_at,
            user=User(user_id=str(user.user_id), username=request.username),
        )

    async def ValidateToken(self, request, context):
        user = self.users._users[request.access_token]
        role = USER_ROLE_ADMIN if "*:*" in user.permissions else USER_ROLE_OPERATOR
        return ValidateTokenResponse(user=User(user_id=str(user.user_id), role=role))

    def revoke(self, username: str) -> None:
        """The token that this user has is worth nothing from now on."""
        del self.users._users[self.tokens[username].token]


class Templates(TemplateServiceServicer):
    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}

    async def CreateTemplate(self, request, context):
        made = Template(template_id=request.template_id, name=request.name, version=request.version or "1.0.0")
        made.spec.CopyFrom(request.spec)
        made.tags.update(request.tags)
        self.templates[made.template_id] = made
        return made

    async def GetTemplate(self, request, context):
        for one in self.templates.values():
            if request.template in (one.template_id, one.name):
                return one
        raise NotFound.named("template", request.template)

    async def ListTemplates(self, request, context):
        return ListTemplatesResponse(templates=list(self.templates.values()))

    async def DeleteTemplate(self, request, context):
        if self.templates.pop(request.template_id, None) is None:
            raise NotFound.named("template", request.template_id)
        return DeleteTemplateResponse()


class Nodes(NodeServiceServicer):
    def __init__(self) -> None:
        self.node = Node(node_id=NODE_ID, name="host-1", status=NODE_STATUS_READY, labels={"disk": "ssd"})
        self.node.allocatable.cpu_cores, self.node.allocatable.memory_mib = 16, 65536
        self.node.allocated.cpu_cores, self.node.allocated.memory_mib = 2, 2048

    async def ListNodes(self, request, context):
        return ListNodesResponse(nodes=[self.node])

    async def GetNode(self, request, context):
        if request.node not in (self.node.name, self.node.node_id):
            raise NotFound.named("node", request.node)
        return self.node

    async def DrainNode(self, request, context):
        self.node.status = NODE_STATUS_READY if request.undo else NODE_STATUS_MAINTENANCE
        return await self.GetNode(request, context)


class Reservations(ReservationServiceServicer):
    def __init__(self) -> None:
        self.reservations: list[Reservation] = []

    async def ListReservations(self, request, context):
        return ListReservationsResponse(reservations=self.reservations)

    async def GetSchedulingDecision(self, request, context):
        told = "host-1: preempts batch-1 (priority 0), as the policy urgent lets priority 10 do"
        return SchedulingDecision(
            vm_id=request.vm_id, explanation=told, candidates=[Candidate(name="host-1", score=2.5)]
        )


class Repairs(RepairServiceServicer):
    def __init__(self) -> None:
        self.domains: list[NodeDomain] = []
        self.fails: Exception | None = None

    async def ListNodeDomains(self, request, context):
        if self.fails is not None:
            raise self.fails
        return ListNodeDomainsResponse(domains=self.domains)


class Providers(ProviderServiceServicer):
    def __init__(self) -> None:
        self.providers: dict[str, CloudProvider] = {}
        self.requests: list[object] = []

    async def CreateCloudProvider(self, request, context):
        self.requests.append(request)
        made = CloudProvider(
            provider_id=request.provider_id,
            name=request.name,
            provider_type=request.provider_type,
            regions=request.regions,
            endpoint=request.endpoint,
            enabled=True,
            health_status=PROVIDER_HEALTH_UNKNOWN,
        )
        self.providers[made.name] = made
        return made

    async def GetCloudProvider(self, request, context):
        if request.provider not in self.providers:
            raise NotFound.named("provider", request.provider)
        return self.providers[request.provider]

    async def ListCloudProviders(self, request, context):
        return ListCloudProvidersResponse(providers=list(self.providers.values()))

    async def CheckProviderHealth(self, request, context):
        provider = await self.GetCloudProvider(request, context)
        provider.health_status, provider.health_message = PROVIDER_HEALTH_UNHEALTHY, "it does not answer"
        return provider


class Metrics(MetricsServiceServicer):
    def __init__(self) -> None:
        self.requests: list[object] = []
        self.monitored: list[VmMonitoring] = []

    async def ListVmMonitoring(self, request, context):
        return ListVmMonitoringResponse(monitorings=self.monitored)

    async def GetLatestVmMetrics(self, request, context):
        UUID(request.vm_id)
        return VmSample(time=at(0), vm_id=request.vm_id, cpu_usage_percent=12.5, memory_usage_bytes=134_217_728)

    async def QueryVmMetrics(self, request, context):
        self.requests.append(request)
        return QueryVmMetricsResponse(points=[Point(time=at(60 * n), value=n + 0.5) for n in range(3)], unit="percent")


class Registry(RegistryServiceServicer):
    def __init__(self) -> None:
        instance = Instance(instance="vm-1", endpoint="127.0.0.1:7402", status=SERVICE_STATUS_HEALTHY)
        self.service = Service(
            service_name="vm", service_version="0.1.0", status=SERVICE_STATUS_HEALTHY, instances=[instance]
        )

    async def ListServices(self, request, context):
        return ListServicesResponse(services=[self.service])

    async def GetService(self, request, context):
        if request.service_name != "vm":
            raise NotFound.named("service", request.service_name)
        return self.service
