"""The VM's sagas, one file each: parameters, actions beside their undoing, definition."""

from .create_vm import CREATE_VM, CreateVmParams
from .delete_vm import DELETE_VM, DeleteVmParams
from .drain_node import DRAIN_NODE, DrainNodeParams
from .move_vm import MOVE_VM, MoveVmParams
from .participants import Participants
from .power import REBOOT_VM, START_VM, STOP_VM, PowerParams
from .preempt_vm import PREEMPT_VM, PreemptVmParams
from .readmit_vm import READMIT_VM, ReadmitVmParams
from .resize_vm import RESIZE_VM, ResizeVmParams

ALL = (
    CREATE_VM,
    DELETE_VM,
    START_VM,
    STOP_VM,
    REBOOT_VM,
    RESIZE_VM,
    MOVE_VM,
    DRAIN_NODE,
    PREEMPT_VM,
    READMIT_VM,
)

__all__ = [
    "ALL",
    "CREATE_VM",
    "DELETE_VM",
    "DRAIN_NODE",
    "MOVE_VM",
    "PREEMPT_VM",
    "READMIT_VM",
    "REBOOT_VM",
    "RESIZE_VM",
    "START_VM",
    "STOP_VM",
    "CreateVmParams",
    "DeleteVmParams",
    "DrainNodeParams",
    "MoveVmParams",
    "Participants",
    "PowerParams",
    "PreemptVmParams",
    "ReadmitVmParams",
    "ResizeVmParams",
]
