"""What the ballot box serves to voters' browsers: the page, its policy, and the other logs as the box follows them."""

from ballot.node import BallotNode
from ballot.settings import BallotSettings
from ballot.static.assets import assets, built_client, read_assets
from ballot.static.attest import attest_routes
from ballot.static.emblems import keep_emblems
from ballot.static.mirror import Followed, Mirror, mirror_routes
from ballot.static.routes import page_routes
from vemre.service.identity import OFFICIAL, token_digest
from vemre.service.official import holder_of
from vemre.service.settings import ServiceSettings
from vemre.service.station import Station

__all__ = ["assets", "serve_page"]


def serve_page(station: Station[BallotNode], settings: BallotSettings) -> None:
    """Add the page's routes to a station. Raises Refused("page-unusable"), Refused("settings-unusable")."""
    found = read_assets(built_client(), settings.policy_file, station.anchors.policy)
    station.app.state.assets = found
    if settings.emblem_folder is not None:
        keep_emblems(settings.emblem_folder, station.blobs)
    station.add(page_routes(found))
    station.add(attest_routes(station.node, found.digests, holder_of(token_digest(settings.data_dir, OFFICIAL))))
    names: tuple[Followed, ...] = ("registry", "tally")
    station.add(mirror_routes({name: _mirror(station, settings, name) for name in names}))


def _mirror(station: Station[BallotNode], settings: ServiceSettings, name: Followed) -> Mirror:
    folder = settings.data_dir / "followed" / name
    return Mirror(station.node, name, station.sources[name], folder, station.clock)
