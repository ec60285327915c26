"""The errors of databases."""

from __future__ import annotations

import pytest

from pvtop.core.address import Address
from pvtop.mart.session import ADVICE, failure

FAILED = 'connection failed: connection to server at "192.0.2.1", port 5432 failed: FATAL: '
ENTRY = 'no pg_hba.conf entry for host "192.0.2.2", user "me", database "db", '
CREATE = "create the database first"
ACCEPT = "let the server accept this host, user and database (pg_hba.conf)"
LOGIN = "check the user and the password"
CONNECTIONS = "end other connections to the server, or let it accept more"
ENDED = "read in the server's log why it ended the connection, and try again"
TLS = "check the certificates, and the TLS options of the address"
LOCK = "end the process that holds the lock in the database, or try again later"
LONGER = "let the server run longer statements"
READING = "a query cannot change the mart; a load needs a database that is not read-only"
RIGHTS = "use a writable database, and a user who may make tables in it"
SPACE = "free some space where the database is"
QUERY = "check the query, and that nobody has changed the tables of the mart"
HOST = "check the host and the port, and that the server is running"

TEXTS = [
    (FAILED + 'database "db" does not exist', CREATE),
    ("(1049, \"Unknown database 'db'\")", CREATE),
    (FAILED + ENTRY + "no encryption", ACCEPT),
    (FAILED + ENTRY + "SSL off", ACCEPT),
    (FAILED + 'password authentication failed for user "me"', LOGIN),
    (FAILED + 'password authentication failed for user "me" ' + FAILED + ENTRY + "no encryption", LOGIN),
    (FAILED + 'role "me" does not exist', LOGIN),
    (FAILED + 'role "me" is not permitted to log in', LOGIN),
    ("connection failed: fe_sendauth: no password supplied", LOGIN),
    ("(1045, \"Access denied for user 'me'@'localhost' (using password: YES)\")", LOGIN),
    (FAILED + "sorry, too many clients already", CONNECTIONS),
    (FAILED + "remaining connection slots are reserved for roles with the SUPERUSER attribute", CONNECTIONS),
    ("(1040, 'Too many connections')", CONNECTIONS),
    ("SSL connection has been closed unexpectedly", ENDED),
    ("consuming input failed: SSL SYSCALL error: EOF detected", ENDED),
    ("terminating connection due to administrator command", ENDED),
    ("(2013, 'Lost connection to MySQL server during query (timed out)')", ENDED),
    ("connection is bad: SSL error: certificate verify failed", TLS),
    ("(2003, \"Can't connect to MySQL server on 'host' ([SSL: CERTIFICATE_VERIFY_FAILED] failed)\")", TLS),
    ("(3159, 'Connections using insecure transport are prohibited')", TLS),
    ("(1205, 'Lock wait timeout exceeded; try restarting transaction')", LOCK),
    ("(1213, 'Deadlock found when trying to get lock; try restarting transaction')", LOCK),
    ("canceling statement due to lock timeout", LOCK),
    ("canceling statement due to statement timeout", LONGER),
    ("(1969, 'Query execution was interrupted (max_statement_time exceeded)')", LONGER),
    ("cannot execute DELETE in a read-only transaction", READING),
    ('Cannot execute statement of type "DELETE" on database "mart" which is attached in read-only mode!', READING),
    ("(1792, 'Cannot execute statement in a READ ONLY transaction')", READING),
    ("permission denied for database db", RIGHTS),
    ("permission denied for schema public LINE 1: CREATE TABLE mart_schema", RIGHTS),
    ('IO Error: Cannot open file "/srv/m.duckdb": Permission denied', RIGHTS),
    ("(1142, \"CREATE command denied to user 'me'@'localhost' for table 'mart_schema'\")", RIGHTS),
    ("(1290, 'The server is running with the --read-only option so it cannot execute this statement')", RIGHTS),
    ('could not extend file "base/5/1": No space left on device', SPACE),
    ("(1114, \"The table 'pageview_fact' is full\")", SPACE),
    ('column "views" does not exist LINE 1: SELECT views', QUERY),
    ('Binder Error: Referenced column "views" not found in FROM clause!', QUERY),
    ("(1054, \"Unknown column 'views' in 'SELECT'\")", QUERY),
    ("(1064, 'You have an error in your SQL syntax')", QUERY),
    ("connection timeout expired", HOST),
    ('connection failed: connection to server at "192.0.2.1", port 5432 failed: Connection refused', HOST),
    ("failed to resolve host 'nowhere': [Errno -2] Name or service not known", HOST),
    ("(2003, \"Can't connect to MySQL server on 'host' (timed out)\")", HOST),
    ('invalid connection option "colour"', "check the address"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "advice"), TEXTS)
def test_advice_fits_the_error(text: str, advice: str) -> None:
    assert failure(Address.at("mysql://host/db"), ValueError(text)).hint == advice


def test_each_advice_has_a_test() -> None:
    assert ADVICE.keys() <= {advice for _, advice in TEXTS}
