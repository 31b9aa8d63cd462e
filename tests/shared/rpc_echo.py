"""A service with a method of every arity, each once idempotent and once not: what NovaCron's own protos have not all of."""

import asyncio
from collections.abc import Callable

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.wrappers_pb2 import StringValue

from novacron.api.options.v1 import PRIORITY_HIGH, PRIORITY_LOW, access, call

SERVICE = "novacron.test.v1.EchoService"
# name -> (requests streamed, responses streamed)
ARITIES = {"One": (False, False), "Many": (False, True), "Collect": (True, False), "Talk": (True, True)}
_STRING = ".google.protobuf.StringValue"


def _describe() -> None:
    file = descriptor_pb2.FileDescriptorProto(
        name="novacron/test/v1/echo.proto",
        package="novacron.test.v1",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    service = file.service.add(name="EchoService")

    def method(name: str, requests: bool, responses: bool, idempotent: bool, seconds: float, priority: int = 0) -> None:
        added = service.method.add(
            name=name, input_type=_STRING, output_type=_STRING, client_streaming=requests, server_streaming=responses
        )
        if idempotent:
            added.options.idempotency_level = descriptor_pb2.MethodOptions.IDEMPOTENT
        added.options.Extensions[access].callers.append("vm")
        added.options.Extensions[call].timeout.FromNanoseconds(int(seconds * 1e9))
        added.options.Extensions[call].priority = priority

    for name, (requests, responses) in ARITIES.items():
        method(name, requests, responses, True, 2)
        method(f"{name}Once", requests, responses, False, 2)
    method("Quick", False, False, True, 0.2)
    method("Watch", False, True, True, 3600)
    method("Low", False, False, True, 2, PRIORITY_LOW)
    method("High", False, False, True, 2, PRIORITY_HIGH)
    descriptor_pool.Default().Add(file)


_describe()
Behaviour = Callable[[str], object]


class EchoServiceServicer:
    """Does as ``behave`` tells, asked with the first request's text; it may raise, return a text, or be awaited for one."""

    def __init__(self) -> None:
        self.behave: Behaviour = lambda text: text
        self.calls = 0
        self.attempts: list[str] = []
        self.received: list[str] = []
        self.hold: asyncio.Event | None = None  # awaited by them there
        self.fail_after: Exception | None = None  # raised by streams of responses after the first one

    async def _answer(self, request: StringValue, context) -> StringValue:
        self.calls += 1
        self.attempts.append(dict(context.invocation_metadata()).get("x-novacron-attempt", "0"))
        made = self.behave(request.value)
        return StringValue(value=await made if asyncio.iscoroutine(made) else made)

    async def one(self, request, context):
        return await self._answer(request, context)

    async def many(self, request, context):
        answer = await self._answer(request, context)
        yield answer
        if self.hold is not None:
            await self.hold.wait()
        if self.fail_after is not None:
            raise self.fail_after
        yield answer

    async def collect(self, requests, context):
        texts = [request.value async for request in requests]
        self.received.append("".join(texts))
        return await self._answer(StringValue(value="".join(texts)), context)

    async def talk(self, requests, context):
        async for request in requests:
            yield await self._answer(request, context)


# The server knows a generated base class by the module that it stands in.
EchoServiceServicer.__module__ = "novacron.test.v1.echo_pb2_grpc"


def _handler(servicer: EchoServiceServicer, requests: bool, responses: bool) -> grpc.RpcMethodHandler:
    behaviour, make = {
        (False, False): (servicer.one, grpc.unary_unary_rpc_method_handler),
        (False, True): (servicer.many, grpc.unary_stream_rpc_method_handler),
        (True, False): (servicer.collect, grpc.stream_unary_rpc_method_handler),
        (True, True): (servicer.talk, grpc.stream_stream_rpc_method_handler),
    }[requests, responses]
    return make(behaviour, StringValue.FromString, StringValue.SerializeToString)


def add_to_server(servicer: EchoServiceServicer, server: grpc.aio.Server) -> None:
    methods = descriptor_pool.Default().FindServiceByName(SERVICE).methods
    handlers = {method.name: _handler(servicer, method.client_streaming, method.server_streaming) for method in methods}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))


class Echo:
    """The client: ``await echo("One", "text")`` gives all that came back, in any arity."""

    def __init__(self, channel) -> None:
        self._methods = {}
        for method in descriptor_pool.Default().FindServiceByName(SERVICE).methods:
            arity = ("stream" if method.client_streaming else "unary") + (
                "_stream" if method.server_streaming else "_unary"
            )
            self._methods[method.name] = (
                getattr(channel, arity)(
                    f"/{SERVICE}/{method.name}",
                    request_serializer=StringValue.SerializeToString,
                    response_deserializer=StringValue.FromString,
                ),
                method.client_streaming,
                method.server_streaming,
            )

    async def __call__(self, name: str, *texts: str, **named) -> list[str]:
        _, _, responses = self._methods[name]
        if not responses:
            return [(await self.send(name, *texts, **named)).value]
        return [response.value async for response in self.send(name, *texts, **named)]

    def send(self, name: str, *texts: str, **named):
        call, requests, _ = self._methods[name]

        async def messages():
            for text in texts:
                yield StringValue(value=text)

        return call(messages() if requests else StringValue(value=texts[0]), **named)
