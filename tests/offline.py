"""Processes without any network: a namespace of their own, where the machine allows that."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

WITHOUT_NETWORK = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
"""Put before a command."""


@cache
def why_not() -> str | None:
    """Why this machine cannot take the network away from a process, or None."""
    if shutil.which("unshare") is None:
        return "there is no `unshare`: make deps installs util-linux"
    done = subprocess.run([*WITHOUT_NETWORK, "true"], check=False, capture_output=True)
    return None if done.returncode == 0 else "the system allows no namespaces without network here"
