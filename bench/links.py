"""Following a link, with its click durably recorded."""

from bench import limits
from bench.figures import Figure, compare, figure
from bench.load import Load, http_request
from bench.rows import world
from bench.servers import servers

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
QUERY = "utm_source=mail&utm_campaign=spring"


@figure("redirect")
def redirect() -> Figure:
    people = world()

    def follow(n: int) -> bytes:
        path = f"/r/{people.person(n).code}?{QUERY}"
        return http_request("GET", path, User_Agent=BROWSER)

    def insert(n: int) -> bytes:
        return http_request("GET", f"/clicks?{QUERY}", User_Agent=BROWSER)

    with servers() as running:
        return compare(
            Load(running.ours, follow, expected=302),
            Load(running.limit, insert, expected=201),
            unit="per second",
            of="one INSERT",
            code=limits.insert_click,
        )
