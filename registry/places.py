"""Places that a roll may name: countries of residence and the federal entities.

Source: ISO 3166-1 alpha-2 (officially assigned codes); the numbers of the entities are those of the electoral roll.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

HOME: Final = "MX"

_COUNTRIES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ "
    "BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR "
    "CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR "
    "GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU "
    "ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ "
    "LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
    "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR "
    "TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES: Final = frozenset(_COUNTRIES.split())

_ENTITIES: Final = (
    "Aguascalientes, Baja California, Baja California Sur, Campeche, Coahuila, Colima, Chiapas, Chihuahua, "
    "Ciudad de México, Durango, Guanajuato, Guerrero, Hidalgo, Jalisco, México, Michoacán, Morelos, Nayarit, "
    "Nuevo León, Oaxaca, Puebla, Querétaro, Quintana Roo, San Luis Potosí, Sinaloa, Sonora, Tabasco, Tamaulipas, "
    "Tlaxcala, Veracruz, Yucatán, Zacatecas"
)
ENTITIES: Final = {f"{number:02}": name for number, name in enumerate(_ENTITIES.split(", "), 1)}
"""The federal entities by number, as people call them."""
ENTITY_CODES: Final = frozenset(ENTITIES)
BIRTH_CODES: Final = ENTITY_CODES | {"87", "88"}
"""Entities of birth in a clave de elector; the last two stand for births abroad."""


def urn_of(entity: str, urns: Collection[str]) -> str | None:
    """The urn that a roll's `entity` means: an urn's id, or the number of the entity that one urn's id ends with."""
    if entity in urns:
        return entity
    if entity not in ENTITY_CODES:
        return None
    found = [urn for urn in urns if urn.endswith(f"-{entity}")]
    return found[0] if len(found) == 1 else None
