"""What `grpcurl` does, as far as the README uses it: resolve by server reflection, encode JSON, call, print JSON.

    reflection_client.py -cacert FILE [-H HEADER]... [-d JSON] HOST:PORT list | PACKAGE.SERVICE/METHOD

It stands in for ``grpcurl`` where that is not installed, so that the printed examples are tested on every machine. Nothing
of NovaCron is imported: what it knows of the services is what they say of themselves.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def main(arguments: list[str]) -> int:
    """The exit codes that grpcurl has: 0, or 64 plus the status."""
    parser = argparse.ArgumentParser(prog="grpcurl")
    parser.add_argument("-cacert", type=Path, required=True)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data", default="{}")
    parser.add_argument("address")
    parser.add_argument("symbol")
    given = parser.parse_args(arguments)
    headers = [tuple(part.strip() for part in header.split(":", 1)) for header in given.headers]
    with grpc.secure_channel(given.address, grpc.ssl_channel_credentials(given.cacert.read_bytes())) as channel:
        try:
            return (
                list_services(channel) if given.symbol == "list" else call(channel, given.symbol, given.data, headers)
            )
        except grpc.RpcError as error:
            sys.stderr.write(f"ERROR:\n  Code: {error.code().name}\n  Message: {error.details()}\n")
            return 64 + error.code().value[0]


def list_services(channel: grpc.Channel) -> int:
    print("\n".join(sorted(ProtoReflectionDescriptorDatabase(channel).get_services())))
    return 0


def call(channel: grpc.Channel, symbol: str, data: str, headers: list[Any]) -> int:
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service, _, name = symbol.rpartition("/")
    method = pool.FindServiceByName(service).FindMethodByName(name)
    answer = GetMessageClass(method.output_type)
    stub = channel.unary_unary(
        f"/{symbol}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    request = json_format.Parse(data, GetMessageClass(method.input_type)(), descriptor_pool=pool)
    print(json_format.MessageToJson(stub(request, metadata=headers, timeout=60), descriptor_pool=pool))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
