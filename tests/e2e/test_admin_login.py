from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PASSWORD


def test_logging_in_leads_to_the_admin(visitor: Page, staff: User) -> None:
    visitor.goto("/admin/")
    visitor.get_by_label("Username").fill(staff.username)
    visitor.get_by_label("Password").fill(PASSWORD)
    visitor.get_by_role("button", name="Log in").click()

    expect(visitor).to_have_url("/admin/")
