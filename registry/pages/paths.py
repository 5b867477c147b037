"""Where the pages are. Addresses hold no personal data and no secret: those travel in forms and in a cookie."""

from __future__ import annotations

from typing import Final

from vemre.service.middleware import BodyRule

START: Final = "/"
APPLY: Final = "/registro/solicitud"
CHECK: Final = "/registro/revision"
SENT: Final = "/registro/enviada"
ENTER: Final = "/registro/entrar"
LEAVE: Final = "/registro/salir"
OWN: Final = "/registro/mi-solicitud"
CORRECT: Final = "/registro/correccion"
APPEAL: Final = "/registro/inconformidad"
MODALITY: Final = "/registro/modalidad"
PROOFS: Final = "/registro/comprobantes"

OFFICE: Final = "/personal"
PARTY: Final = "/representaciones"
STATIC: Final = "/recursos"

FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES: Final = 32 << 10
_RULE: Final = BodyRule(_MAX_FORM_BYTES, (FORM,))
BODIES: Final = {f"{prefix}/{{path:path}}": _RULE for prefix in ("/registro", OFFICE, PARTY)}
"""What may be posted to the pages."""
