"""What an agent reads from its environment, beyond what every process does."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from novacron.settings import ProcessSettings


class AgentSettings(ProcessSettings):
    """Who this node is, what it offers, and which hypervisor it drives."""

    listen: str = Field(default="", description="Agents have no port for users.")
    node_name: str = Field(default_factory=socket.gethostname, description="Must be the one in the certificate.")
    agent_advertise: str = Field(description="host:port under which the vm service reaches this agent.")
    node_address: str = Field(default="127.0.0.1", description="The host's IP address, for people and networks.")
    cluster: str = "default"
    region: str = ""
    availability_zone: str = ""
    node_labels: dict[str, str] = Field(default_factory=dict, description="JSON object.")

    driver: Literal["auto", "libvirt", "simulated"] = "auto"
    libvirt_uri: str = ""
    libvirt_network: str = "default"
    acceleration: Literal["auto", "kvm", "tcg"] = "auto"
    state_directory: Path = Field(description="This agent's own files: disks, consoles, its barrier.")
    image_directory: Path = Field(description="Base images by name.")
    reserved_memory_mib: int = Field(default=0, ge=0, description="Kept for the host itself.")
    reserved_vcpus: int = Field(default=0, ge=0)
    simulated_vcpus: int = Field(default=64, ge=1)
    simulated_memory_mib: int = Field(default=262_144, ge=64)
    simulated_disk_gib: int = Field(default=10_240, ge=1)
    simulated_latency_seconds: dict[str, float] = Field(default_factory=dict, description="JSON object by operation.")

    sample_seconds: float = Field(default=5.0, ge=0.2, description="How often running domains are sampled.")
