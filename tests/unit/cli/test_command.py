"""The root command: exit codes, languages, lazy loading, and never a trace."""

import gettext
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from vemre import messages
from vemre.checks import Check
from vemre.cli import main, translations
from vemre.cli.command import Command, Group, json_option, option
from vemre.errors import CheckFailed, KeyFileError, Refused, StoreError
from vemre.messages import RemoteProblem, Unreachable
from vemre.records.policy import PolicyError

ERRORS: dict[str, tuple[BaseException, int, str]] = {
    "check": (CheckFailed(Check.GATE, "one auditor cosigned", where="tally/9", party="trustee/3"), 1, "check-gate"),
    "refused": (Refused("not-cosigned-yet", log="tally", size=1, missing="auditor/2"), 1, "not-cosigned-yet"),
    "remote": (RemoteProblem(messages.problem("too-large"), {"party": "mixer/1"}), 1, "too-large"),
    "remote-down": (RemoteProblem(messages.problem("log-stopped")), 2, "log-stopped"),
    "unreachable": (Unreachable("http://tally", "timeout"), 2, "remote-unreachable"),
    "policy": (PolicyError("no quorum"), 2, "policy-unusable"),
    "key": (KeyFileError("wrong passphrase"), 2, "key-file-unusable"),
    "store": (StoreError("rolled back"), 2, "store-unusable"),
    "settings": (Refused("settings-unusable", fields="port"), 2, "settings-unusable"),
    "os": (FileNotFoundError(2, "No such file", "x.json"), 2, "file-unusable"),
    "bare-os": (OSError("odd"), 2, "file-unusable"),
    "no-entry": (Refused("no-such-" + "code"), 2, "unexpected"),
    "unexpected": (RuntimeError("hunter2"), 2, "unexpected"),
}


@click.group("example", cls=Group, help="cli-about")
def example() -> None:
    pass


@example.command("raise", help="cli-next")
@click.argument("name")
def fail(name: str) -> None:
    raise ERRORS[name][0]


@example.command("code", help="plain words")
@option("--value", type=click.IntRange(0, 9), required=True, help="cli-option-port")
@json_option
def code(value: int, as_json: bool) -> int:
    return value


@example.command("interrupt", help="cli-next")
def interrupt() -> None:
    raise KeyboardInterrupt


class ExampleEntry(EntryPoint):
    def load(self) -> Any:
        return example


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        "example": ExampleEntry("example", "somewhere:example", main.ENTRY_POINTS),
        "tally": EntryPoint("tally", "no_such_module:group", main.ENTRY_POINTS),
    }
    monkeypatch.setattr(main, "_found", lambda: entries)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)


def run(*args: str, **extra: Any) -> Result:
    return CliRunner().invoke(main.root, args, **extra)


@pytest.mark.parametrize("name", list(ERRORS))
def test_error_gives_its_message_and_exit_code(name: str) -> None:
    _, exit_code, message = ERRORS[name]
    result = run("example", "raise", name)
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert f"[{message}]" in result.stderr
    assert "Qué hacer" in result.stderr
    assert "Traceback" not in result.stderr
    assert "hunter2" not in result.stderr


def test_failed_check_names_place_and_party() -> None:
    spanish = run("example", "raise", "check").stderr
    assert "Lugar: tally/9" in spanish
    assert "Responde: trustee/3" in spanish
    assert "one auditor cosigned" in spanish
    assert "Responde: mixer/1" in run("example", "raise", "remote").stderr


def test_trace_only_with_debug() -> None:
    result = run("--debug", "example", "raise", "unexpected")
    assert "RuntimeError: hunter2" in result.stderr
    assert result.exit_code == 2


def test_languages() -> None:
    assert "What to do" in run("--lang", "en", "example", "raise", "check").stderr
    assert "What to do" in run("--lang=en", "example", "raise", "check").stderr
    assert "What to do" in run("example", "raise", "check", env={"LANG": "en_US.UTF-8"}).stderr
    assert "Qué hacer" in run("--lang", "es", "example", "raise", "check", env={"LANG": "en_US.UTF-8"}).stderr
    assert "Qué hacer" in run("example", "raise", "check", env={"LANG": "C"}).stderr


def test_returned_number_is_the_exit_code() -> None:
    assert run("example", "code", "--value", "0").exit_code == 0
    assert run("example", "code", "--value", "1").exit_code == 1


def test_subgroup_run_on_its_own_maps_errors_too() -> None:
    result = CliRunner().invoke(example, ["raise", "check"])
    assert (result.exit_code, "check-gate" in result.stderr) == (1, True)


def test_usage_errors_are_two_and_translated() -> None:
    cases = {
        ("nothing",): "No existe la orden 'nothing'",
        ("--nothing",): "No existe la opción '--nothing'",
        ("example", "code"): "Falta la opción '--value'",
        ("example", "code", "--value", "x"): "Valor no válido para '--value'",
        ("example", "code", "--value", "10"): "no está en el intervalo",
        ("example", "code", "--value"): "necesita un valor",
        ("example", "code", "--value", "1", "extra"): "Sobra un argumento",
        ("example", "raise"): "Falta el argumento",
        ("--lang", "fr"): "no es ninguno de 'es', 'en'",
    }
    for args, text in cases.items():
        result = run(*args)
        assert (result.exit_code, result.stdout) == (2, ""), args
        assert text in result.stderr, args
        assert "Traceback" not in result.stderr
    assert "No such command 'nothing'" in run("--lang", "en", "nothing").stderr


def test_interrupt() -> None:
    result = run("example", "interrupt")
    assert result.exit_code == 130
    assert "Interrumpido" in result.stderr


def test_help_lists_commands_without_loading_them() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "tally    Cómputo" in result.stdout
    assert "example" in result.stdout
    assert "Órdenes:" in result.stdout
    assert "[OPCIONES]" in result.stdout
    assert "Mostrar esta ayuda" in result.stdout
    english = run("--lang", "en", "--help").stdout
    assert "Commands:" in english
    assert "Tally: manifest" in english


def test_help_of_a_command() -> None:
    text = run("example", "code", "--help").stdout
    assert "plain words" in text
    assert "Puerto en el que escucha" in text
    assert "un solo objeto JSON" in text
    assert "Qué hacer" in run("example", "--help").stdout


def test_version() -> None:
    assert run("--version").stdout.startswith("vemre ")


def test_command_that_does_not_load_is_told() -> None:
    result = run("tally")
    assert result.exit_code == 2
    assert "[unexpected]" in result.stderr


def test_commands_known_by_heart_are_the_installed_ones() -> None:
    installed = {entry.name: entry.value for entry in entry_points(group=main.ENTRY_POINTS)}
    assert main.OWN.items() <= installed.items()


def test_help_imports_no_service() -> None:
    script = (
        "import sys; from vemre.cli.main import root\n"
        "try: root.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'fastapi', 'sqlalchemy', 'uvicorn', 'httpx2', 'pydantic', 'rich', 'structlog', 'nacl'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_compiled_translations_are_those_of_the_source() -> None:
    source = Path(translations.__file__).with_name("locale") / "es" / "LC_MESSAGES" / "vemre.po"
    assert source.with_suffix(".mo").read_bytes() == translations.compile_po(source.read_text(encoding="utf-8"))
    with open(source.with_suffix(".mo"), "rb") as file:
        catalogue = gettext.GNUTranslations(file)
    assert catalogue.gettext("Commands") == "Órdenes"
    assert catalogue.ngettext("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 2).startswith(
        "(¿"
    )


def test_translated_messages_exist_in_click() -> None:
    """A message that click no longer has would be dead weight, and its new wording untranslated."""
    code = "".join(path.read_text(encoding="utf-8") for path in Path(click.__file__).parent.glob("*.py"))
    source = Path(translations.__file__).with_name("locale") / "es" / "LC_MESSAGES" / "vemre.po"
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("msgid") and not line.endswith(' ""'):
            text = line.partition(" ")[2].strip('"')
            assert text[:40] in code.replace('"\n                    "', ""), text


def test_terminal_without_accents() -> None:
    script = (
        "import click; from vemre.cli import console; from vemre.cli.command import Command\n"
        "@click.command(cls=Command)\n"
        "def show():\n"
        "    console.put('electr\u00f3nico')\n"
        "    console.put_json({'es': 'cofirma \u2713'})\n"
        "show()\n"
    )
    surroundings = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", script], env=surroundings, capture_output=True, check=True)
    assert done.stdout == b'electr\\xf3nico\n{"es": "cofirma \\u2713"}\n'


def test_closed_pipe_shows_no_trace() -> None:
    script = "from vemre.cli.main import root; root.main(['--help'])"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (2, b"")


def test_classes_are_kept_through_groups() -> None:
    assert isinstance(example.commands["raise"], Command)
