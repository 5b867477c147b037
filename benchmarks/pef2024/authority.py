"""A process of the authorities or of an auditor, as it stands when the vote ends: it has followed and verified all.

python benchmarks/pef2024/authority.py registry|ballot|tally|auditor/1 WORK

Orders come as lines of JSON on standard input, answers go as lines of JSON to standard output. Each authority has its
own database, its own log and its own verified view, and shows the others files in WORK/record: tiles, blobs and its
checkpoint. What it decides, checks and commits is done by the product's own parts.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tally.service.node import TallyNode  # noqa: E402
from tally.service.office import COMPONENTS, Office  # noqa: E402
from vemre import group as groups  # noqa: E402
from vemre.crypto.signing import SigningKey  # noqa: E402
from vemre.election import drafts  # noqa: E402
from vemre.election.rules import decrypting, engine  # noqa: E402
from vemre.election.rules.view import Anchors, View  # noqa: E402
from vemre.log.checkpoint import Checkpoint, open_checkpoint  # noqa: E402
from vemre.log.signer import Ed25519Cosigner  # noqa: E402
from vemre.records.fields import parse_time  # noqa: E402
from vemre.records.policy import parse_policy  # noqa: E402
from vemre.service import identity as identities  # noqa: E402
from vemre.service.election_source import ElectionSource  # noqa: E402
from vemre.service.node import ElectionNode  # noqa: E402
from vemre.service.settings import ServiceSettings  # noqa: E402
from vemre.service.sources import FolderSource  # noqa: E402
from vemre.service.station import Station  # noqa: E402
from vemre.storage.static_log import export_log  # noqa: E402
from vemre.types import LOG_NAMES, LogName  # noqa: E402

Act = Callable[[dict[str, Any]], Any]


class Authority:
    """A service without its HTTP: the same station, node, writer and database."""

    def __init__(self, name: LogName, work: Path) -> None:
        self.name, self.work, self.record = name, work, work / "record"
        settings = ServiceSettings(data_dir=work / name)
        identity = identities.load(settings, name, b"", allow_insecure=True)
        anchors = Anchors(parse_policy((work / "policy.json").read_bytes()))
        others = {other: FolderSource(self.record, other) for other in LOG_NAMES if other != name}
        node: type[ElectionNode] = TallyNode if name == "tally" else ElectionNode
        components = COMPONENTS if name == "tally" else ()
        self.now = 0
        self.station: Station[Any] = Station(
            "benchmark", settings, identity, anchors, node,
            components=components, sources=others, clock=lambda: self.now,
        )  # fmt: skip
        self.node = self.station.node
        self.node.sync()
        self.node.look(engine.verify)
        self.now = self.node.look(lambda view: parse_time(view.manifest.timeline.closes))

    async def do(self, order: dict[str, Any]) -> Any:
        """Carry out one order."""
        act = getattr(self, f"do_{order['do']}")
        return await act(order)

    def show(self) -> None:
        """Write what is new of the log into the record, the checkpoint last."""
        folder = self.record / self.name
        (folder / "checkpoint").unlink()
        export_log(self.station.store, folder)

    async def do_cosigned(self, order: dict[str, Any]) -> None:
        """Keep the auditors' cosignatures, and show the checkpoint with them."""
        witnesses = [vkey for vkeys in self.node.anchors.witnesses.values() for vkey in vkeys]
        self.station.store.add_cosignatures(order["size"], order["lines"], witnesses)
        self.show()

    # --- ballot box and registry ------------------------------------------------------------------------------------

    async def do_close(self, _: dict[str, Any]) -> None:
        """No more ballots."""
        await self.node.append_own(lambda view: drafts.close(view, now=self.now, late=0))
        self.show()

    async def do_marks(self, _: dict[str, Any]) -> None:
        """How many voted."""
        self.node.sync()

        def make(view: View) -> drafts.Draft:
            ballots = sum(view.ballots_by_urn().values())
            return drafts.marks(view, ballot=self._cosigned("ballot", view), countries={"US": ballots})

        await self.node.append_own(make)
        self.show()

    def _cosigned(self, name: LogName, view: View) -> str:
        return self.node.cosigned_checkpoint_of(name, len(view.logs[name]))

    # --- the tally --------------------------------------------------------------------------------------------------

    async def do_input(self, _: dict[str, Any]) -> None:
        """The list to mix, and what the authority decides on small batches."""
        await Office(self.station).fix_input()
        seeds = json.loads((self.work / "keys/seeds.json").read_text())
        key = SigningKey.from_seed(bytes.fromhex(seeds["authority"]))
        for batch in self.node.look(decrypting.small_batches):
            draft = self.node.look(lambda view, batch=batch: drafts.small_batch_decision(view, batch, "few voters"))
            origin = self.station.store.origin
            await self.node.submit(drafts.sign(draft, log=origin, signer="authority", key=key))
        self.show()

    async def do_take(self, order: dict[str, Any]) -> int:
        """Take everything that lies on the sticks, in the order of their names; each record is verified as it comes."""
        paths = sorted(path for stick in order["sticks"] for path in Path(stick).glob("*.vemre"))
        for path in paths:
            await self.node.submit(path.read_bytes())
            path.unlink()
        self.show()
        return len(paths)

    async def do_count(self, _: dict[str, Any]) -> bool:
        """Count, or close the result once all counts are cosigned; says whether the result stands."""
        counted = await Office(self.station).count()
        if counted.lacking:
            raise RuntimeError(f"not everything is decrypted: {counted.lacking[0]}")
        self.show()
        return counted.result is not None


class Auditor:
    """An auditor's witness: it cosigns what it has verified, and nothing else. It holds both auditors' keys: the other
    one does the same work at the same time, elsewhere."""

    def __init__(self, work: Path) -> None:
        self.record = work / "record"
        self.anchors = Anchors(parse_policy((work / "policy.json").read_bytes()))
        seeds = json.loads((work / "keys/seeds.json").read_text())
        self.cosigners = [
            Ed25519Cosigner(vkey.name, SigningKey.from_seed(bytes.fromhex(seeds[role])))
            for role, vkeys in self.anchors.witnesses.items()
            for vkey in vkeys
        ]
        sources = {name: FolderSource(self.record, name) for name in LOG_NAMES}
        self.source = ElectionSource(self.anchors, sources, groups.load(), os.urandom, cosigned_only=False)
        self.source.refresh()

    async def do(self, order: dict[str, Any]) -> dict[str, Any]:
        """Verify what is new, and cosign the log's checkpoint."""
        name: LogName = order["log"]
        view = self.source.refresh()
        opened = open_checkpoint(FolderSource(self.record, name).checkpoint(), self.anchors.logs[name])
        if view.logs[name].root(opened.size) != opened.root:
            raise RuntimeError("the checkpoint is not of what was verified")
        time = parse_time(view.manifest.timeline.closes)
        checkpoint = Checkpoint(opened.checkpoint.origin, opened.size, opened.root)
        return {"size": opened.size, "lines": "".join(str(one.cosign(checkpoint, time)) for one in self.cosigners)}


async def serve(role: str, work: Path) -> None:
    """Orders until standard input ends."""
    party: Any = Auditor(work) if role.startswith("auditor/") else Authority(role, work)  # type: ignore[arg-type]
    answer({"ready": role})
    loop = asyncio.get_running_loop()

    async def orders() -> None:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            answer({"done": await party.do(json.loads(line))})

    if isinstance(party, Authority):
        async with party.station.writer:
            await orders()
    else:
        await orders()


def answer(value: Any) -> None:
    """One line to whoever gives the orders."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
