"""A seccomp filter in BPF: system calls a notebook never needs and an exploit often does.

Refused with EPERM (clone3 with ENOSYS, so that libc falls back to clone, whose flags a filter can
see): new namespaces, mounts, tracing, kernel modules, keys, BPF, perf, userfaultfd, io_uring.
Called through another architecture's table, the process is killed.
"""

from __future__ import annotations

import platform
import struct

LD, JEQ, JGE, JSET, RET = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
NEW_NAMESPACES = 0x7E020080  # cgroup, uts, ipc, user, pid, net, mnt, time: any of CLONE_NEW*
X32 = 0x40000000

# name -> (x86_64, aarch64)
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "quotactl": (179, 60), "personality": (135, 92), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "sethostname": (170, 161), "setdomainname": (171, 162),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272), "lookup_dcookie": (212, 18),
}  # fmt: skip
MACHINES = {"x86_64": (0, 0xC000003E, 56), "aarch64": (1, 0xC00000B7, 220)}
CLONE3 = 435


def op(code: int, yes: int, no: int, value: int) -> bytes:
    """One BPF instruction: jump `yes` or `no` instructions ahead."""
    return struct.pack("HBBI", code, yes, no, value)


def program(machine: str | None = None) -> bytes:
    """The filter for a machine; empty where the architecture is not one of the two known ones."""
    machine = machine or platform.machine()
    if machine not in MACHINES:
        return b""
    column, architecture, clone = MACHINES[machine]
    numbers = sorted(entry[column] for entry in CALLS.values())
    code = [op(LD, 0, 0, 4), op(JEQ, 1, 0, architecture), op(RET, 0, 0, KILL), op(LD, 0, 0, 0)]
    if machine == "x86_64":
        code += [op(JGE, 0, 1, X32), op(RET, 0, 0, KILL)]
    code += [op(JEQ, 0, 1, CLONE3), op(RET, 0, 0, ENOSYS)]
    for number in numbers:
        code += [op(JEQ, 0, 1, number), op(RET, 0, 0, EPERM)]
    code += [
        op(JEQ, 0, 3, clone), op(LD, 0, 0, 16), op(JSET, 0, 1, NEW_NAMESPACES),
        op(RET, 0, 0, EPERM), op(RET, 0, 0, ALLOW),
    ]  # fmt: skip
    return b"".join(code)
