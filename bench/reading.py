"""Reading one participant over the API, with a key and its limit."""

from bench import limits
from bench.figures import Figure, compare, figure
from bench.load import Load, http_request
from bench.rows import world
from bench.servers import servers


@figure("participant_read")
def participant_read() -> Figure:
    people = world()
    authorization = f"Bearer {people.key}"

    def read(n: int) -> bytes:
        path = f"/api/v1/participants/{people.person(n).public_id}"
        return http_request("GET", path, Authorization=authorization)

    def select(n: int) -> bytes:
        return http_request("GET", f"/participants/{people.person(n).pk}")

    with servers() as running:
        return compare(
            Load(running.ours, read, expected=200),
            Load(running.limit, select, expected=200),
            unit="per second",
            of="one SELECT",
            code=limits.read_participant,
        )
