"""What marts on servers share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from pvtop.core.address import Address, AddressLike, parse_address
from pvtop.core.errors import MartError, UsageError
from pvtop.core.redaction import is_database
from pvtop.mart.mart import Mart
from pvtop.mart.product import SERVERS

TEXT = st.text(st.sampled_from("a7@/?#;:[]% '\\"), max_size=8)


@given(TEXT, TEXT, TEXT)
def test_shown_host_is_that_of_the_connection(user: str, password: str, option: str) -> None:
    address = f"postgresql://{user}:{password}@host:5432/a?b={option}"
    try:
        url = make_url(parse_address(address).with_secrets())
    except ValueError:
        return
    assert (url.host, url.port, url.database) == ("host", 5432, "a")
    assert str(Address.at(address)) == "postgresql://host:5432/a"


def test_address_of_each_server_is_that_of_a_database() -> None:
    assert all(is_database(f"{scheme}://host") for scheme in SERVERS)


@pytest.mark.parametrize("kind", [str, Address.at])
def test_mart_refuses_an_address_without_its_password(kind: Callable[[str], AddressLike]) -> None:
    with pytest.raises(UsageError, match="^'mysql://host/a' is not the address of a mart: it must be") as refused:
        Mart(kind("mysql://me:p@verysecret@host/a"))
    assert refused.value.setting == "mart"


@pytest.mark.parametrize(
    "options",
    [
        "colour=secret", "port=secret", "connect_timeout=secret", "connect_timeout=1&connect_timeout=2", "ssl=secret",
        "client_flag=secret", "local_infile=secret", "charset=secret", "read_timeout=1&connect_timeout=-1",
    ],
)  # fmt: skip
def test_wrong_options_of_an_address_are_named_without_their_values(options: str) -> None:
    names = ", ".join(sorted({option.partition("=")[0] for option in options.split("&")}))
    with pytest.raises(MartError) as refused:
        Mart(f"mysql://127.0.0.1:1/a?{options}").init()
    reason = "an option of the address, or its value, is wrong"
    assert refused.value.message == f"the mart mysql://127.0.0.1:1/a failed: {reason}: {names}"
