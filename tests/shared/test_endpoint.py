"""What may stand where somebody else says where they listen."""

import pytest

from novacron.rpc.endpoint import dns_target, host_port


@pytest.mark.parametrize("text", ["localhost:1", "vm.example.org:7462", "10.0.0.4:65535", "[fd00::4]:7462", "a_b-c:80"])
def test_a_name_or_an_address_with_a_port_is_taken_as_it_is(text):
    assert host_port(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        ":7462",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:+80",
        "localhost:٣",
        "unix:/run/secret.sock",
        "unix:///run/secret.sock:80",
        "dns://8.8.8.8/vm:7462",
        "https://vm.example.org:7462",
        "user@vm:7462",
        "10.0.0.4:1,10.0.0.5:2",
        "a b:80",
        "a\x00b:80",
        "fd00::4:7462",
        "[fd00::zz]:7462",
        "-a:80",
        "a..b:80",
        "a" * 64 + ":80",
        "a:80\n",
    ],
)
def test_anything_else_is_told_what_it_should_be(text):
    with pytest.raises(ValueError, match="is host:port, such as"):
        host_port(text)


def test_a_host_named_like_one_of_grpcs_schemes_is_still_a_host():
    assert dns_target("unix:80") == "dns:///unix:80"
