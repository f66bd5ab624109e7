from playwright.sync_api import Page, expect

# Swagger UI lays out a whole route at once: seconds, on a machine that is busy.
PATIENCE = 30_000


def test_the_documentation_shows_its_routes_and_opens_one(visitor: Page) -> None:
    visitor.goto("/api/docs")

    route = visitor.get_by_role("button", name="GET /api/v1/keys").first
    route.click(no_wait_after=True, timeout=PATIENCE)

    scope = visitor.get_by_text("Scope: keys:read").first
    expect(scope).to_be_visible(timeout=PATIENCE)
