"""A domain's definition, and what is written into it to know it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from novacron_agent.drivers.domain_xml import NAMESPACE, Record, domain_xml, resized_xml
from novacron_agent.drivers.driver import AllocationType, DomainSpec
from novacron_agent.drivers.host_storage import InstanceFiles

SpecOf = Callable[..., DomainSpec]

DISK_BOOT = InstanceFiles(Path("/vm"), base=Path("/vm/base.qcow2"), kernel=None, initrd=None, cmdline="")
DIRECT_BOOT = InstanceFiles(Path("/vm"), None, kernel=Path("/vm/kernel"), initrd=Path("/vm/initrd"), cmdline="quiet")


def xml_of(spec: DomainSpec, files: InstanceFiles = DISK_BOOT, **settings: object) -> ElementTree.Element:
    record = Record.of(spec, store="/host", phase="creating", created_at=datetime(2026, 1, 2, tzinfo=UTC))
    chosen = {"acceleration": "tcg", "network": None, **settings}
    return ElementTree.fromstring(domain_xml(spec, files, record, **chosen))  # type: ignore[arg-type]


def test_a_record_survives_the_way_through_a_domain(spec_of: SpecOf) -> None:
    spec = spec_of("<web> & \"son\" 'é'", labels={"a": "b"})
    record = Record.of(spec, store="/host <1>", phase="creating", created_at=datetime.now(UTC))

    element = xml_of(spec).find(f"metadata/{{{NAMESPACE}}}vm")

    assert element is not None
    assert element.get("name") == spec.name
    assert Record.from_xml(record.to_xml()) == record
    assert Record.from_xml(replace(record, phase="created").to_xml()).phase == "created"


def test_user_data_and_keys_are_not_in_what_everyone_may_read_of_a_domain(spec_of: SpecOf) -> None:
    spec = spec_of(user_data="password: hunter2", ssh_authorized_keys=("ssh-ed25519 AAAA",))

    text = ElementTree.tostring(xml_of(spec), encoding="unicode")

    assert "hunter2" not in text
    assert "AAAA" not in text


def test_a_resized_definition_differs_from_its_own_in_size_and_record_alone(spec_of: SpecOf) -> None:
    spec, created_at = spec_of(), datetime(2026, 1, 2, tzinfo=UTC)
    record = Record.of(spec, store="/host", phase="created", created_at=created_at)
    defined = domain_xml(spec, DISK_BOOT, record, acceleration="tcg", network=None)
    defined = defined.replace("</memory>", '</memory><currentMemory unit="KiB">131072</currentMemory>')

    larger = record.resized(spec.sized(4, 512))
    now = ElementTree.fromstring(resized_xml(defined, larger, spec.sized(4, 512)))

    tags = ("vcpu", "memory", "currentMemory", "cputune/shares")
    assert [now.findtext(tag) for tag in tags] == ["4", "512", "512", "64"]
    assert now.find("currentMemory").get("unit") == "MiB"  # type: ignore[union-attr]
    (kept,) = now.findall(f"metadata/{{{NAMESPACE}}}vm")
    assert Record.from_xml(ElementTree.tostring(kept, encoding="unicode")) == larger
    back = resized_xml(ElementTree.tostring(now, encoding="unicode"), record, spec)
    assert ElementTree.fromstring(back).findtext("devices/disk/source") == xml_of(spec).findtext("devices/disk/source")
    assert len(ElementTree.fromstring(back).find("devices")) == len(xml_of(spec).find("devices"))  # type: ignore[arg-type]


def test_no_crowd_that_shares_a_host_outweighs_the_one_that_was_guaranteed_its_place(spec_of: SpecOf) -> None:
    weights = {
        kind: int(xml_of(replace(spec_of(), vcpus=2, allocation_type=kind)).findtext("cputune/shares") or "")
        for kind in AllocationType
    }

    assert weights[AllocationType.GUARANTEED] >= 16 * weights[AllocationType.BURSTABLE]
    assert weights[AllocationType.BURSTABLE] >= 16 * weights[AllocationType.BEST_EFFORT]
    heavy = xml_of(replace(spec_of(), vcpus=64, allocation_type=AllocationType.GUARANTEED))
    assert int(heavy.findtext("cputune/shares") or "") <= 10_000


def test_a_domain_boots_from_its_disk_or_from_kernel_and_initrd(spec_of: SpecOf) -> None:
    disk, direct = xml_of(spec_of()), xml_of(spec_of(), DIRECT_BOOT)

    assert disk.find("os/boot").get("dev") == "hd"  # type: ignore[union-attr]
    assert disk.find("os/kernel") is None
    assert direct.findtext("os/kernel") == "/vm/kernel"
    assert direct.findtext("os/cmdline") == "quiet"
    assert direct.find("devices/disk/backingStore") is None


@pytest.mark.parametrize(("acceleration", "kind"), [("kvm", "kvm"), ("tcg", "qemu")])
def test_the_domain_s_type_is_what_the_host_can(spec_of: SpecOf, acceleration: str, kind: str) -> None:
    assert xml_of(spec_of(), acceleration=acceleration).get("type") == kind


def test_the_network_is_libvirt_s_where_there_is_one(spec_of: SpecOf) -> None:
    spec = spec_of()
    nat, user = xml_of(spec, network="default"), xml_of(spec)

    assert nat.find("devices/interface").get("type") == "network"  # type: ignore[union-attr]
    assert nat.find("devices/interface/source").get("network") == "default"  # type: ignore[union-attr]
    assert user.find("devices/interface").get("type") == "user"  # type: ignore[union-attr]
    assert nat.find("devices/interface/mac").attrib == user.find("devices/interface/mac").attrib  # type: ignore[union-attr]
