"""What the development CA issues, and that the TLS below gRPC accepts it."""

from __future__ import annotations

import ipaddress
import stat
from datetime import timedelta

import grpc
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from novacron_local import certificates
from novacron_local.certificates import DevelopmentCA
from novacron_local.probes import GrpcHealth


def load(path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("name", ["vm", "agent/node-1"])
def test_a_certificate_names_its_process_and_this_machine(tmp_path, name):
    identity = DevelopmentCA(tmp_path).identity(name)
    names = load(identity.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [f"spiffe://novacron/development/{name}"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]


def test_a_certificate_chains_to_the_ca_after_the_web_s_rules(tmp_path):
    identity = DevelopmentCA(tmp_path).identity("vm")
    verifier = PolicyBuilder().store(Store([load(identity.ca)])).build_server_verifier(x509.DNSName("localhost"))
    chain = verifier.verify(load(identity.certificate), [])
    assert [certificate.subject for certificate in chain][1:] == [load(identity.ca).subject]


def test_keys_are_for_their_owner_alone(tmp_path):
    DevelopmentCA(tmp_path).identity("vm")
    keys = sorted(tmp_path.glob("*.key"))
    assert [key.name for key in keys] == ["ca.key", "vm.key"]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_what_lasts_is_not_issued_again(tmp_path):
    before = DevelopmentCA(tmp_path).identity("vm").certificate.read_bytes()
    assert DevelopmentCA(tmp_path).identity("vm").certificate.read_bytes() == before


def test_what_expires_soon_is_renewed_with_its_key(tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "LIFETIME", timedelta(days=29))
    identity = DevelopmentCA(tmp_path).identity("vm")
    before, key = load(identity.certificate), identity.key.read_bytes()
    monkeypatch.undo()
    after = load(DevelopmentCA(tmp_path).identity("vm").certificate)
    assert after.not_valid_after_utc > before.not_valid_after_utc + timedelta(days=50)
    assert identity.key.read_bytes() == key


def test_a_new_ca_replaces_every_certificate_of_the_old_one(tmp_path):
    old = load(DevelopmentCA(tmp_path).identity("vm").certificate)
    for file in ("ca.pem", "ca.key"):
        (tmp_path / file).unlink()
    ca = DevelopmentCA(tmp_path)
    new = load(ca.identity("vm").certificate)
    assert new.serial_number != old.serial_number
    new.verify_directly_issued_by(load(ca.certificate_file))


def test_a_damaged_certificate_is_issued_again(tmp_path):
    identity = DevelopmentCA(tmp_path).identity("vm")
    identity.certificate.write_text("not a certificate")
    DevelopmentCA(tmp_path).identity("vm")
    load(identity.certificate).verify_directly_issued_by(load(identity.ca))


async def serve(identity, status) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    await servicer.set("", status)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    credentials = grpc.ssl_server_credentials(
        [(identity.key.read_bytes(), identity.certificate.read_bytes())], identity.ca.read_bytes(), True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    return server, port


@pytest.mark.parametrize(("status", "serves"), [("SERVING", True), ("NOT_SERVING", False)])
async def test_the_probe_reads_a_servers_health_over_mtls_as_the_operator(tmp_path, status, serves):
    ca = DevelopmentCA(tmp_path)
    server, port = await serve(ca.identity("vm"), health_pb2.HealthCheckResponse.ServingStatus.Value(status))
    probe = GrpcHealth(f"127.0.0.1:{port}", ca.identity("operator"))
    try:
        assert await probe() is serves
    finally:
        await probe.close()
        await server.stop(0)


async def test_the_probe_says_no_to_a_server_of_another_ca_and_to_nobody_at_all(tmp_path):
    (tmp_path / "other").mkdir()
    server, port = await serve(DevelopmentCA(tmp_path / "other").identity("vm"), health_pb2.HealthCheckResponse.SERVING)
    probe = GrpcHealth(f"127.0.0.1:{port}", DevelopmentCA(tmp_path).identity("operator"), timeout=1)
    assert not await probe()
    await server.stop(0)
    assert not await probe()
    await probe.close()
