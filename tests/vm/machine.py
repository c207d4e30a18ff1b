# SPDX-License-Identifier: Apache-2.0
"""One emulated server: starts QEMU, talks to the runner of scenarios in it and to QEMU's monitor.

The guest's second serial port carries lines (guest/usr/local/sbin/reeve-scenarios says which); files
go through a folder that both see. Does not know what a scenario is for, nor in which order they run.
"""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import time

from machines import COMMON, DIMMS, KERNEL, MACHINES, dimm

BOOT_SECONDS = 420  # two busy cores under emulation took 110
PROBE_SECONDS = 12  # a kernel that runs says so at once
NVME_BYTES = 64 << 20
QEMU = "qemu-system-x86_64"


class Trouble(Exception):
    """The machine, not a scenario, failed."""


class Crash(Trouble):
    """QEMU itself was killed by a signal: nothing that a guest may do."""


def need_qemu():
    if not shutil.which(QEMU):
        raise Trouble(f"there is no {QEMU} here (Debian: qemu-system-x86)")


def start_qemu(arguments, **options):
    try:
        return subprocess.Popen([QEMU, *arguments], stdin=subprocess.DEVNULL, **options)
    except OSError as error:
        raise Trouble(f"{QEMU} cannot be started: {error.strerror}") from error


def said(path):
    """What a file of QEMU's holds so far. Nothing while it has not made it: a cold machine takes its time."""
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


class Lines:
    """A socket of a QEMU process, read line by line, each with a deadline."""

    def __init__(self, path, deadline, process):
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError as error:
                self.socket.close()
                if process.poll() is not None:
                    raise Trouble("QEMU has ended") from error
                if time.monotonic() > deadline:
                    raise Trouble(f"QEMU does not answer at {path}: {error}") from error
                time.sleep(0.05)
        self.buffer = b""

    def send(self, text):
        try:
            self.socket.sendall(text.encode() + b"\n")
        except OSError as error:
            raise Trouble(f"QEMU does not listen: {error.strerror}") from error

    def read(self, deadline):
        """The next line, or None at the deadline."""
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data = self.socket.recv(65536)
            except OSError:  # it was killed with something unread
                data = b""
            if not data:
                raise Trouble("QEMU has ended")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").strip("\r\0")

    def close(self):
        self.socket.close()


class Monitor:
    """QEMU's machine protocol, used to pass on commands of its human one."""

    def __init__(self, path, deadline, process):
        self.lines = Lines(path, deadline, process)
        self.lines.read(deadline)
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self.lines.send(json.dumps({"execute": command, "arguments": arguments}))
        deadline = time.monotonic() + 30
        while True:
            line = self.lines.read(deadline)
            if line is None:
                raise Trouble(f"QEMU does not answer to {command}")
            try:
                answer = json.loads(line)
            except ValueError as error:
                raise Trouble(f"QEMU's monitor says no JSON: {line}") from error
            if "error" in answer:
                return answer["error"]["desc"]
            if "return" in answer:
                return answer["return"]

    def human(self, command):
        """What the human monitor prints: nothing when all went well."""
        return str(self.call("human-monitor-command", **{"command-line": command})).strip()


def accelerator(image, scratch, device="/dev/kvm", seconds=PROBE_SECONDS):
    """KVM where a kernel truly boots on it: the device alone proves nothing."""
    if not os.access(device, os.R_OK | os.W_OK):
        return "tcg"
    output = os.path.join(scratch, "probe")
    probe = start_qemu(
        ["-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults",
         "-display", "none", "-no-reboot", "-serial", f"file:{output}",
         "-kernel", f"{image}/vmlinuz", "-append", "console=ttyS0 panic=-1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + seconds
    booted = False
    while not booted and probe.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        booted = "Linux version" in said(output)
    probe.kill()
    probe.wait()
    return "kvm" if booted else "tcg"


class Machine:
    """A booted server; `boot_seconds` is what it took until the guest's runner answered."""

    def __init__(self, name, image, share, scratch, accel):
        description = MACHINES[name]
        self.name = name
        self.scratch = os.path.join(scratch, name)
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        with open(f"{self.scratch}/nvme.img", "wb") as file:
            file.truncate(NVME_BYTES)
        for number in range(len(DIMMS)):
            with open(f"{self.scratch}/dimm-{number}", "wb") as file:
                file.write(dimm(number))
        control, monitor = f"{self.scratch}/control", f"{self.scratch}/monitor"
        cpu = "host" if accel == "kvm" else "max,vendor=GenuineIntel"
        threads = ["-accel", "kvm"] if accel == "kvm" else ["-accel", "tcg,thread=multi"]
        arguments = (
            [*threads, "-cpu", cpu, *COMMON]
            + [a.format(scratch=self.scratch) for a in description["arguments"]]
            + ["-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initrd.img"]
            + ["-append", f"{KERNEL} {description['kernel']}".strip()]
            + ["-drive", f"if=none,id=root,file={image}/disk.img,format=raw,snapshot=on"]
            + ["-device", "virtio-blk-pci,drive=root,bus=pcie.0"]
            + ["-fsdev", f"local,id=share,path={share},security_model=none"]
            + ["-device", "virtio-9p-pci,fsdev=share,mount_tag=reeve,bus=pcie.0"]
            + ["-serial", f"file:{self.scratch}/console"]
            + ["-serial", f"unix:{control},server=on,wait=off"]
            + ["-qmp", f"unix:{monitor},server=on,wait=off"]
        )
        start = time.monotonic()
        with open(f"{self.scratch}/qemu", "wb") as errors:
            self.process = start_qemu(
                arguments, stdout=errors, stderr=errors, env={**os.environ, "TMPDIR": self.scratch}
            )
        self.control = self.monitor = None
        try:
            self.control = Lines(control, start + 20, self.process)
            self.monitor = Monitor(monitor, start + 20, self.process)
            self.await_hello(BOOT_SECONDS)
        except Trouble as trouble:
            self.explain(trouble)
        except BaseException:
            self.close()
            raise
        self.boot_seconds = time.monotonic() - start

    def await_hello(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            line = self.control.read(deadline)
            if line is None:
                raise Trouble(f"{self.name} did not boot within {seconds} s")
            if hello := re.fullmatch(r"hello \S+ (\d+\.\d+)", line):
                self.guest_uptime = float(hello[1])
                return

    def explain(self, trouble):
        """Raises it again, with what the machine last said, as a Crash if it is one."""
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            code = 0
        self.close()
        if code < 0:
            raise Crash(f"QEMU was killed by signal {-code}") from trouble
        raise Trouble(f"{trouble}\n{self.console()}") from trouble

    def run(self, scenario, stage, seconds):
        """Its exit status in the guest; "reset" when it asked for one, "reboot" when the machine
        rebooted though nobody had asked; None when nothing was heard of it in time."""
        reset = False
        self.control.send(f"run {scenario} {stage} {seconds}")
        deadline = time.monotonic() + seconds + 90  # for what `keep` collects after a failure
        while (line := self.control.read(deadline)) is not None:
            words = line.split()
            if words[:2] == ["done", scenario] and words[2:] and words[2].isdecimal():
                return int(words[2])
            if words[:1] == ["hello"]:
                return "reset" if reset else "reboot"
            if words[:2] == ["ask", "monitor"]:
                refusal = self.monitor.human(" ".join(words[2:]))
                self.control.send(f"refused {refusal.splitlines()[0]}" if refusal else "ok")
            elif words[:2] == ["ask", "reset"]:
                reset = True
                self.monitor.human("system_reset")
                deadline = time.monotonic() + BOOT_SECONDS
            elif words[:1] == ["ask"]:
                self.control.send(f"refused there is no verb {words[1:2]}")
        return None

    def console(self):
        """The end of what the kernel said, and QEMU itself."""
        return (said(f"{self.scratch}/console") + said(f"{self.scratch}/qemu"))[-2000:].strip()

    def close(self):
        self.process.kill()
        self.process.wait()
        for end in (self.control, self.monitor and self.monitor.lines):
            if end:
                end.close()
