"""A domain as libvirt reads it, and what NovaCron writes into it to know it again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from novacron_agent.drivers.driver import DomainSpec
from novacron_agent.drivers.host_storage import InstanceFiles
from novacron_agent.drivers.naming import mac_address

NAMESPACE: Final = "urn:novacron:vm:1"
PREFIX: Final = "novacron"

Acceleration = Literal["kvm", "tcg"]
Phase = Literal["creating", "created"]


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain's ``<metadata>`` says of it. ``store`` tells this agent's domains from another's on one host."""

    store: str
    phase: Phase  # "creating" until the first start is done: after a crash such a domain is undone
    fingerprint: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    base_image: str
    created_at: datetime

    @classmethod
    def of(cls, spec: DomainSpec, *, store: str, phase: Phase, created_at: datetime) -> Record:
        return cls(
            store=store,
            phase=phase,
            fingerprint=spec.fingerprint(),
            name=spec.name,
            vcpus=spec.vcpus,
            memory_mib=spec.memory_mib,
            disk_gib=spec.disk_gib,
            base_image=spec.base_image,
            created_at=created_at,
        )

    def resized(self, spec: DomainSpec) -> Record:
        """The same domain with the size of ``spec``."""
        return replace(self, vcpus=spec.vcpus, memory_mib=spec.memory_mib, fingerprint=spec.fingerprint())

    def to_xml(self) -> str:
        """The element without its namespace, as ``virDomainSetMetadata`` wants it."""
        return ElementTree.tostring(self.element("vm"), encoding="unicode")

    def element(self, tag: str) -> Element:
        values = {field: str(getattr(self, field)) for field in self.__slots__}
        return Element(tag, {**values, "created_at": self.created_at.isoformat()})

    @classmethod
    def from_xml(cls, text: str) -> Record:
        values = ElementTree.fromstring(text).attrib  # noqa: S314  from libvirtd, which we trust with far more
        return cls(
            store=values["store"],
            phase="creating" if values["phase"] == "creating" else "created",
            fingerprint=values["fingerprint"],
            name=values["name"],
            vcpus=int(values["vcpus"]),
            memory_mib=int(values["memory_mib"]),
            disk_gib=int(values["disk_gib"]),
            base_image=values["base_image"],
            created_at=datetime.fromisoformat(values["created_at"]),
        )


def domain_name(vm_id: UUID) -> str:
    """libvirt's names are unique per host and VMs' names are not: the VM's own is the domain's title."""
    return f"novacron-{vm_id}"


def domain_xml(
    spec: DomainSpec, files: InstanceFiles, record: Record, *, acceleration: Acceleration, network: str | None
) -> str:
    """A q35 machine with virtio disk, seed and network, and its serial console in a file.

    ``network``: a libvirt network, or None for QEMU's user-mode network, which reaches out and is not reached.
    """
    domain = Element("domain", {"type": "kvm" if acceleration == "kvm" else "qemu"})
    _texts(domain, {"name": domain_name(spec.vm_id), "uuid": str(spec.vm_id), "title": spec.name})
    SubElement(domain, "metadata").append(record.element(f"{{{NAMESPACE}}}vm"))
    SubElement(domain, "memory", {"unit": "MiB"}).text = str(spec.memory_mib)
    SubElement(domain, "vcpu").text = str(spec.vcpus)
    _texts(SubElement(domain, "cputune"), {"shares": str(spec.cpu_weight)})
    _boot(SubElement(domain, "os"), files)
    features = SubElement(domain, "features")
    SubElement(features, "acpi")  # the power button of a graceful stop
    SubElement(features, "apic")
    SubElement(domain, "cpu", {"mode": "host-passthrough" if acceleration == "kvm" else "maximum"})
    SubElement(domain, "clock", {"offset": "utc"})
    _texts(domain, {"on_poweroff": "destroy", "on_reboot": "restart", "on_crash": "destroy"})
    _devices(SubElement(domain, "devices"), spec, files, network)
    ElementTree.register_namespace(PREFIX, NAMESPACE)
    return ElementTree.tostring(domain, encoding="unicode")


def resized_xml(xml: str, record: Record, spec: DomainSpec) -> str:
    """A domain's own definition with the size of ``spec``, and the record in it: what libvirt made of the rest, such as its
    machine's version and its devices' addresses, is what the guest knows and stays."""
    ElementTree.register_namespace(PREFIX, NAMESPACE)
    domain = ElementTree.fromstring(xml)  # noqa: S314  from libvirtd
    for tag in ("memory", "currentMemory"):
        for element in domain.findall(tag):
            element.set("unit", "MiB")
            element.text = str(spec.memory_mib)
    for element in domain.findall("vcpu"):
        element.text = str(spec.vcpus)
        element.attrib.pop("current", None)
    tuning = domain.find("cputune")
    if tuning is None:
        tuning = SubElement(domain, "cputune")
    for element in tuning.findall("shares"):
        tuning.remove(element)
    _texts(tuning, {"shares": str(spec.cpu_weight)})
    metadata = domain.find("metadata")
    assert metadata is not None, "NovaCron's domains are known by their metadata"
    for element in metadata.findall(f"{{{NAMESPACE}}}vm"):
        metadata.remove(element)
    metadata.append(record.element(f"{{{NAMESPACE}}}vm"))
    return ElementTree.tostring(domain, encoding="unicode")


def command_line(xml: str) -> str:
    """The kernel's command line in a domain's XML; empty where it boots from its disk."""
    return ElementTree.fromstring(xml).findtext("os/cmdline") or ""  # noqa: S314  from libvirtd


def _boot(os: Element, files: InstanceFiles) -> None:
    SubElement(os, "type", {"arch": "x86_64", "machine": "q35"}).text = "hvm"
    if files.kernel is not None and files.initrd is not None:
        _texts(os, {"kernel": str(files.kernel), "initrd": str(files.initrd), "cmdline": files.cmdline})
    else:
        SubElement(os, "boot", {"dev": "hd"})


def _devices(devices: Element, spec: DomainSpec, files: InstanceFiles, network: str | None) -> None:
    disk = SubElement(devices, "disk", {"type": "file", "device": "disk"})
    SubElement(disk, "driver", {"name": "qemu", "type": "qcow2", "discard": "unmap"})
    SubElement(disk, "source", {"file": str(files.disk)})
    if files.base is not None:
        # Said outright, so that nobody has to open the overlay to learn what it rests on.
        backing = SubElement(disk, "backingStore", {"type": "file"})
        SubElement(backing, "format", {"type": "qcow2"})
        SubElement(backing, "source", {"file": str(files.base)})
        SubElement(backing, "backingStore")
    SubElement(disk, "target", {"dev": "vda", "bus": "virtio"})

    seed = SubElement(devices, "disk", {"type": "file", "device": "disk"})
    SubElement(seed, "driver", {"name": "qemu", "type": "raw"})
    SubElement(seed, "source", {"file": str(files.seed)})
    SubElement(seed, "target", {"dev": "vdb", "bus": "virtio"})
    SubElement(seed, "readonly")

    interface = SubElement(devices, "interface", {"type": "network" if network else "user"})
    SubElement(interface, "mac", {"address": mac_address(spec.vm_id)})
    if network:
        SubElement(interface, "source", {"network": network})
    SubElement(interface, "model", {"type": "virtio"})

    serial = SubElement(devices, "serial", {"type": "file"})
    SubElement(serial, "source", {"path": str(files.console), "append": "on"})
    SubElement(serial, "target", {"port": "0"})

    rng = SubElement(devices, "rng", {"model": "virtio"})
    SubElement(rng, "backend", {"model": "random"}).text = "/dev/urandom"
    balloon = SubElement(devices, "memballoon", {"model": "virtio"})
    SubElement(balloon, "stats", {"period": "5"})  # seconds: without it the guest's own memory figures never come
    SubElement(devices, "controller", {"type": "usb", "model": "none"})


def _texts(parent: Element, values: dict[str, str]) -> None:
    for tag, text in values.items():
        SubElement(parent, tag).text = text
