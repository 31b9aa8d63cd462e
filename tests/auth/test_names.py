"""Pure pieces: how names compare, and where a peer is."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron_auth.sessions.origin import Origin
from novacron_auth.users.account import folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        ("straße", "STRASSE"),
        ("é", "e\u0301"),
        ("ﬁn", "FIN"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("Å", "\u212b"),
    ],
)
def test_names_that_look_alike_are_one_name(one, other):
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("alice", "alicе"), ("alice", "alice "), ("alice", "al\0ice"), ("i", "ı")])
def test_names_that_differ_stay_apart(one, other):
    assert folded(one) != folded(other)


@settings(deadline=None)
@given(st.text())
def test_a_folded_name_is_its_own_and_fits_the_database(name):
    assert folded(folded(name)) == folded(name)
    assert "\0" not in folded(name)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:50000", "192.0.2.7"),
        ("ipv6:[2001:db8::7]:50000", "2001:db8::7"),
        ("ipv6:%5B::1%5D:50000", "::1"),
        ("ipv6:[fe80::1%25eth0]:50000", "fe80::1"),
        ("ipv6:[::ffff:192.0.2.7]:50000", "192.0.2.7"),
    ],
)
def test_the_address_of_a_peer_is_read_in_every_way_that_grpc_writes_it(peer, address):
    assert Origin.of_peer(peer).ip_address == ip_address(address)


@pytest.mark.parametrize("peer", ["unix:/run/auth.sock", "unix:", "", "ipv4:", "ipv4:somewhere:1", "ipv6:[x]:1"])
def test_a_peer_without_an_address_has_none(peer):
    assert Origin.of_peer(peer).ip_address is None


def test_a_user_agent_is_kept_short_and_an_empty_one_not_at_all():
    assert Origin.of_peer("", "").user_agent is None
    assert len(Origin.of_peer("", "x" * 10_000).user_agent) == 512
