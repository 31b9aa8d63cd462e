"""NovaCron's own small guest: built from Debian's packages, without root, for the demo and the tests.

Two base images come out of it: ``novacron-guest`` boots from its disk, as any cloud image does, and
``novacron-guest-direct`` is a kernel and an initramfs for direct kernel boot. Both run the same few scripts
(``rootfs/``): they read the cloud-init seed, take an address by DHCP, say on the serial console
``NovaCron guest <hostname> is up at <address>``, and power off when the hypervisor asks.
"""

from novacron_agent.guest_image.recipe import DIRECT_BOOT, DISK_BOOT, GuestImageError, build

__all__ = ["DIRECT_BOOT", "DISK_BOOT", "GuestImageError", "build"]
