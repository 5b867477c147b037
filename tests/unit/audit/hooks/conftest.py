"""Hooks that behave badly, as a distribution that somebody installed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

NAUGHTY = '''
import os, sys, time
from pathlib import Path
from audit.hooks.interface import AuditHook, EveryEvent, HookError

class Noting(EveryEvent):
    """Writes down what it hears, one file an event, before it does anything else."""
    def __init__(self, settings, context):
        super().__init__(settings, context)
        self.folder = Path(settings["folder"])
        self.folder.mkdir(exist_ok=True)
        self.settings = settings
    def on_event(self, event):
        number = len(list(self.folder.iterdir()))
        (self.folder / f"{number:05d}-{type(event).__name__}").write_text(str(os.getpid()))
        self.act(event)
    def act(self, event):
        pass

class Raising(Noting):
    def act(self, event):
        raise ValueError("secret-text")

class Saying(Noting):
    def act(self, event):
        raise HookError("the pager is off")

class Leaving(Noting):
    def act(self, event):
        sys.exit(3)

class Dying(Noting):
    def act(self, event):
        os._exit(9)

class Hanging(Noting):
    """Until there is the file that its settings name."""
    def act(self, event):
        while not Path(self.settings.get("until", "/nonexistent")).exists():
            time.sleep(0.01)

class Holding(Noting):
    """Keeps the interpreter to itself."""
    def act(self, event):
        import re
        re.match(r"(a+)+$", "a" * 60 + "b")

class Stopped(Noting):
    def act(self, event):
        import signal
        os.kill(os.getpid(), signal.SIGSTOP)

class Deaf(AuditHook):
    pass

class FindingsAlone(AuditHook):
    def __init__(self, settings, context):
        super().__init__(settings, context)
        self.path = Path(settings["file"])
    def on_finding(self, event):
        self.path.write_text(event.detail)
    def close(self):
        self.path.with_suffix(".closed").touch()

class Refusing(AuditHook):
    def __init__(self, settings, context):
        raise HookError("no pager here")

class Broken(AuditHook):
    def __init__(self, settings, context):
        sys.exit("secret-text")

class Peeping(Noting):
    def act(self, event):
        (self.folder / "environment").write_text("\\n".join(os.environ))

class Garbling(Noting):
    """Metrics that would break the witness's own page of metrics."""
    def __init__(self, settings, context):
        super().__init__(settings, context)
        from prometheus_client import Gauge
        from prometheus_client.metrics_core import Metric
        Gauge("well", "A good one.", registry=context.metrics).set(7)
        Gauge("nan", "No number.", registry=context.metrics).set(float("nan"))
        class Bad:
            def collect(self):
                metric = Metric("bad", "x", "gauge")
                metric.name = "bad\\nvemre_log_entries 99\\n"
                metric.add_sample("bad", {}, 1)
                yield metric
                metric = Metric("worse", "x", "gauge")
                metric.add_sample("vemre_log_entries", {}, 98)
                metric.add_sample("worse\\nvemre_log_entries 97\\nx", {}, 97)
                metric.add_sample("worse", {'a="b"} 1\\nvemre_log_entries{c': "d"}, 96)
                yield metric
        context.metrics.register(Bad())

class NoHook:
    pass
'''

ENTRY_POINTS = """[vemre.audit_hooks]
naughty-raising = naughty:Raising
naughty-saying = naughty:Saying
naughty-leaving = naughty:Leaving
naughty-dying = naughty:Dying
naughty-hanging = naughty:Hanging
naughty-holding = naughty:Holding
naughty-stopped = naughty:Stopped
naughty-deaf = naughty:Deaf
naughty-findings = naughty:FindingsAlone
naughty-refusing = naughty:Refusing
naughty-broken = naughty:Broken
naughty-peeping = naughty:Peeping
naughty-garbling = naughty:Garbling
naughty-noting = naughty:Noting
naughty-none = naughty:NoHook
naughty-absent = naughty:Absent
twice = naughty:Noting
"""

Install = Callable[[Path], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes what is installed in a folder visible to this process and to those that it starts."""

    def visible(folder: Path) -> None:
        before = os.environ.get("PYTHONPATH")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{before}" if before else str(folder))

    return visible


def distribution(folder: Path, name: str, module: str, entry_points: str) -> Path:
    """An installed distribution of one module."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / f"{name}.py").write_text(module)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points)
    return folder


@pytest.fixture
def naughty(tmp_path: Path, install: Install) -> None:
    """The hooks above are installed."""
    install(distribution(tmp_path / "site", "naughty", NAUGHTY, ENTRY_POINTS))
