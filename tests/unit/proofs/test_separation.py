"""What verifies imports nothing that proves."""

from __future__ import annotations

import subprocess
import sys


def test_verifying_imports_no_prover() -> None:
    program = (
        "import sys\n"
        "from vemre.proofs import ballot_pok, batch, decryption, possession, shuffle, threshold\n"
        "assert not [name for name in sys.modules if name.startswith('vemre.proofs.prove')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
