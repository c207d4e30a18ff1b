# SPDX-License-Identifier: Apache-2.0
"""The emulated servers, as one table: what QEMU is told to make, and what the kernel is told at boot.

`server` is what reeve is made for: two packages with SMT, a NUMA node each, behind each node PCIe
root ports with a NIC, an NVMe disk on node 1, a GPU's render node, a BMC, DIMMs. Its facts are also
what the scenario 110-discovery expects, so that a change here is a change there.
"""

import struct

KERNEL = (
    "root=/dev/vda rw console=ttyS0 panic=-1 quiet systemd.show_status=0 mitigations=off audit=0 "
    "nowatchdog random.trust_cpu=on hugepagesz=2M rcupdate.rcu_expedited=1 no_timer_check"
)

# The share with the host, the two serial ports and the disk come with every machine.
COMMON = ["-machine", "q35", "-display", "none", "-vga", "none", "-nic", "none", "-nodefaults"]

TWO_NODES = [
    "-smp", "8,sockets=2,cores=2,threads=2", "-m", "3G",
    "-object", "memory-backend-ram,id=m0,size=1536M",
    "-object", "memory-backend-ram,id=m1,size=1536M",
    "-numa", "node,nodeid=0,cpus=0-3,memdev=m0",
    "-numa", "node,nodeid=1,cpus=4-7,memdev=m1",
    "-numa", "dist,src=0,dst=1,val=21",
]  # fmt: skip

# A PCI expander on each node, and on it a root port for each device that can be unplugged. The first
# NIC is a virtio one because the emulated e1000e announces no more than its first change of link.
DEVICES = [
    "-device", "pxb-pcie,id=pxb0,bus_nr=64,numa_node=0,bus=pcie.0",
    "-device", "pxb-pcie,id=pxb1,bus_nr=128,numa_node=1,bus=pcie.0",
    "-device", "pcie-root-port,id=rp0,bus=pxb0,chassis=1,slot=1",
    "-device", "pcie-root-port,id=rp1,bus=pxb1,chassis=2,slot=2",
    "-device", "pcie-root-port,id=rp2,bus=pxb1,chassis=3,slot=3",
    "-device", "pcie-root-port,id=rp3,bus=pxb1,chassis=4,slot=4",
    "-netdev", "user,id=n0,restrict=on,ipv6=off", "-netdev", "user,id=n1,restrict=on,ipv6=off",
    "-netdev", "user,id=n2,restrict=on,ipv6=off",
    "-device", "virtio-net-pci,id=nic0,netdev=n0,bus=rp0,mac=52:54:00:00:00:10,romfile=",
    "-device", "e1000e,id=nic1,netdev=n1,bus=rp1,mac=52:54:00:00:00:11,romfile=",
    "-device", "e1000e,id=nic2,netdev=n2,bus=rp2,mac=52:54:00:00:00:12,romfile=",
    "-drive", "if=none,id=nvme0,file={scratch}/nvme.img,format=raw",
    "-device", "nvme,id=nv0,serial=REEVENVME1,drive=nvme0,bus=rp3",
    "-device", "virtio-gpu-pci,id=gpu0,bus=pcie.0,addr=0x10",
    "-device", "ipmi-bmc-sim,id=bmc0", "-device", "isa-ipmi-kcs,bmc=bmc0",
]  # fmt: skip

FIRMWARE = [
    "-smbios", "type=0,vendor=Reeve,version=RV-1.02,date=03/14/2026,release=1.2",
    "-smbios", "type=1,manufacturer=Reeve Works,product=Emulated Server,version=2,serial=RS0001",
    "-smbios", "type=2,manufacturer=Reeve Works,product=Emulated Board,serial=RB0001",
    "-smbios", "file={scratch}/dimm-0", "-smbios", "file={scratch}/dimm-1", "-smbios", "file={scratch}/dimm-2",
]  # fmt: skip

# Slot, bank, MiB (0: empty), MT/s, serial number.
DIMMS = [
    ("DIMM A1", "BANK 0", 1536, 3200, "RD0001"),
    ("DIMM A2", "BANK 0", 0, 0, ""),
    ("DIMM B1", "BANK 1", 1536, 2933, "RD0002"),
]


def dimm(number):
    """A memory device (type 17) as SMBIOS 2.8 lays it out (DMTF DSP0134, 7.18)."""
    slot, bank, mib, speed, serial = DIMMS[number]
    texts = [slot, bank] + (["Reeve", serial, "RV32"] if mib else [])
    maker = [3, 4, 0, 5] if mib else [0, 0, 0, 0]  # strings: manufacturer, serial, asset tag, part
    head = struct.pack("<BBH", 17, 0x28, 0x1100 + number)
    array = struct.pack("<HH", 0x1000, 0xFFFE)  # in the physical memory array that QEMU makes
    size = struct.pack("<HHHBB", 64, 64, mib, 0x09, 0)  # widths in bits; a DIMM, in no set
    kind = struct.pack("<BBBHH", 1, 2, 0x1A, 0x0080, speed)  # slot, bank; DDR4, synchronous
    rest = struct.pack("<BIHHHH", 1, 0, speed, 1200, 1200, 1200) if mib else bytes(13)
    formatted = head + array + size + kind + bytes(maker) + rest
    assert len(formatted) == 0x28
    return formatted + b"".join(t.encode() + b"\0" for t in texts) + b"\0"

LEGACY = "systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
SERVER = TWO_NODES + DEVICES + FIRMWARE

MACHINES = {
    "server": {"arguments": SERVER, "kernel": ""},
    # Controllers on cgroup v1 and no v2 at all; and the same with a v2 tree beside them, which has
    # what this kernel has no v1 of (memory and cpuset, where it is built so).
    "cgroup-v1": {"arguments": TWO_NODES, "kernel": f"{LEGACY} systemd.legacy_systemd_cgroup_controller=1"},
    "cgroup-hybrid": {"arguments": TWO_NODES, "kernel": LEGACY},
    "one-cpu": {"arguments": ["-smp", "1", "-m", "1G"], "kernel": ""},
}
