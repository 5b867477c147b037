"""The process of one hook, seen from the witness: started, given events, and killed when it does not answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

import msgspec

from audit.hooks.settings import HookSetting, find
from audit.hooks.wire import CLOSE, MAX_LINE, Answer, Begin

START_SECONDS: Final = 30.0
_OWN_VARIABLES: Final = "VEMRE_"
_CHUNK: Final = 1 << 16


class HookDown(Exception):
    """The process ended, or did not answer in time and was killed. The text is technical English."""


class HookProcess:
    """For one thread, except `kill`."""

    def __init__(self, setting: HookSetting, witness: str, stdout: int | None = None) -> None:
        """`witness` is the name that the hook is told, `stdout` a descriptor to take the place of the standard output.
        Raises Refused as `find` does."""
        self._setting = setting
        entry = find(setting.name, setting.use)
        self._begin = Begin(entry.value, setting.name, witness, dict(setting.settings))
        self._stdout = stdout
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._over = False

    @property
    def running(self) -> bool:
        """Whether there is a process to send to."""
        return self._channel is not None

    def start(self) -> Answer:
        """Start it and make the hook; its `error` says that the hook refused its settings. Raises HookDown."""
        ours, theirs = socket.socketpair()
        with theirs:
            # A passphrase in the environment is the witness's own affair. `-P`: no code from the working directory.
            environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "audit.hooks.child", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=self._stdout,
                    pass_fds=(theirs.fileno(),),
                    env=environment,
                    # Ctrl-C is for the witness, which ends its hooks in good order.
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise HookDown(f"the process cannot be started ({type(error).__name__})") from None
        self._channel = ours
        if self._over:
            self._kill()
        return self._ask(msgspec.json.encode(self._begin), START_SECONDS)

    def deliver(self, line: bytes) -> Answer:
        """Give the hook an event (`document.encode`) and wait for its answer. Raises HookDown: it runs no longer."""
        return self._ask(line, self._setting.timeout)

    def close(self, seconds: float) -> None:
        """End it in good order within that time, and in any case."""
        if self._channel is not None and self._process is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._channel.settimeout(max(seconds, 0.01))
                self._channel.sendall(CLOSE + b"\n")
                self._process.wait(max(seconds, 0.01))
        self._forget()

    def kill(self) -> None:
        """End it now and for good, from any thread: whoever waits for its answer gets HookDown."""
        self._over = True
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                # With whatever it started.
                os.killpg(process.pid, signal.SIGKILL)

    def _ask(self, line: bytes, seconds: float) -> Answer:
        assert self._channel is not None
        end = time.monotonic() + seconds
        try:
            self._channel.settimeout(seconds)
            self._channel.sendall(line + b"\n")
            return msgspec.json.decode(self._line(self._channel, end), type=Answer)
        except TimeoutError:
            reason = f"no answer within {seconds:g} seconds"
        except OSError:
            reason = "the process ended"
        except msgspec.MsgspecError:
            reason = "an answer that is none"
        self._forget()
        raise HookDown(reason)

    def _line(self, channel: socket.socket, end: float) -> bytes:
        data = bytearray()
        while not data.endswith(b"\n"):
            channel.settimeout(max(end - time.monotonic(), 0.001))
            chunk = channel.recv(_CHUNK)
            if not chunk:
                raise ConnectionResetError
            data += chunk
            if len(data) > MAX_LINE:
                raise ConnectionAbortedError
        return bytes(data)

    def _forget(self) -> None:
        self._kill()
        if self._process is not None:
            self._process.wait()
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None
