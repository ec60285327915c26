"""The commands `blacklist info` and `blacklist refresh`."""

from __future__ import annotations

import json

from support.samples import DATA, Command
from support.server.files import File, Server


def test_blacklist_info_counts_spellings_and_domains(pvtop_in_process: Command) -> None:
    data = json.loads(pvtop_in_process("blacklist", "info", "--blacklist", DATA / "blacklist", "--json").stdout)
    assert data["address"] == str(DATA / "blacklist")
    assert len(data["sha256"]) == 64
    assert data["spellings"] > data["domains"] > 1
    assert "sha256" in pvtop_in_process("blacklist", "info", "--blacklist", DATA / "blacklist").stdout
    assert json.loads(pvtop_in_process("blacklist", "info", "--blacklist", "none", "--json").stdout)["spellings"] == 0


def test_blacklist_is_downloaded_again_by_refresh_only(pvtop_in_process: Command, server: Server) -> None:
    server.files["/blacklist"] = File(b"en A\n")
    address = ("--blacklist", f"{server.url}/blacklist", "--json")
    first = json.loads(pvtop_in_process("blacklist", "info", *address).stdout)["sha256"]
    server.files["/blacklist"] = File(b"en B\n")
    assert json.loads(pvtop_in_process("blacklist", "info", *address).stdout)["sha256"] == first
    assert json.loads(pvtop_in_process("blacklist", "refresh", *address).stdout)["sha256"] != first
