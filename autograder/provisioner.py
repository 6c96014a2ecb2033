"""A jupyter_client kernel provisioner that starts any Python kernel under bubblewrap.

    jupyter nbconvert --execute --KernelManager.transport=ipc ... with the kernelspec
    {"metadata": {"kernel_provisioner": {"provisioner_name": "autograder-bubblewrap"}}}

For running strangers' notebooks with tools that know nothing of this grader (nbclient, papermill,
stock nbgrader). The kernel's sockets are made outside, at the ipc paths the manager connects to,
so `transport` must be `ipc` with an absolute path; without a network nothing else would work.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerBase

from autograder.inside import CHANNELS
from autograder.policy import make
from autograder.sandbox import NoSandbox, Sandbox


class BubblewrapProvisioner(KernelProvisionerBase):  # type: ignore[misc]
    """One kernel in one sandbox; its end is the sandbox's end."""

    box: Sandbox | None = None
    folder: tempfile.TemporaryDirectory[str] | None = None
    paths: tuple[Path, ...] = ()

    @property
    def has_process(self) -> bool:
        """Whether a sandbox was started."""
        return self.box is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose where the sockets are. Raises NoSandbox for a transport that is not ipc."""
        manager: Any = self.parent
        if manager.transport != "ipc":
            raise NoSandbox("A sandboxed kernel has no network.", "KernelManager.transport = 'ipc'")
        self.folder = tempfile.TemporaryDirectory(prefix="autograder-kernel-")
        manager.ip = os.path.join(self.folder.name, "kernel")
        for number, name in enumerate(CHANNELS, 1):
            setattr(manager, f"{name}_port", number)
        kwargs = await super().pre_launch(cmd=[], **kwargs)
        self.connection_info = manager.get_connection_info()
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel in its sandbox."""
        assert self.folder is not None
        box = Sandbox(make(), Path(self.folder.name))
        key: Any = self.connection_info["key"]
        box.key = key if isinstance(key, bytes) else str(key).encode()
        box.start(warm=False)
        manager: Any = self.parent
        # The manager connects to IP-PORT; the sandbox listens at the channels' names.
        for number, name in enumerate(CHANNELS, 1):
            os.symlink(box.folder / name, f"{manager.ip}-{number}")
        self.box = box
        return self.connection_info

    async def poll(self) -> int | None:
        """None while the kernel runs."""
        return None if self.box is not None and self.box.alive() else 1

    async def wait(self) -> int | None:
        """Until the kernel has ended."""
        while await self.poll() is None:
            await asyncio.sleep(0.1)
        await self.cleanup()
        return 0

    async def send_signal(self, signum: int) -> None:
        """An interrupt reaches the kernel; any other signal ends the sandbox."""
        if self.box is None:
            return
        if signum == 2:
            self.box.interrupt()
        elif signum:
            self.box.kill()

    async def kill(self, restart: bool = False) -> None:
        """End everything in the sandbox."""
        await self.cleanup(restart)

    async def terminate(self, restart: bool = False) -> None:
        """The same: a sandbox has nothing to save."""
        await self.cleanup(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """End the sandbox and remove its sockets."""
        if self.box is not None:
            self.box.kill()
            self.box = None
        if self.folder is not None:
            self.folder.cleanup()
            self.folder = None
