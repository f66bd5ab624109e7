from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a user that tests make


def test_logging_in_leads_to_the_admin(visitor: Page, staff: User) -> None:
    staff.set_password(PASSWORD)
    staff.save()

    visitor.goto("/admin/")
    visitor.get_by_label("Username").fill(staff.username)
    visitor.get_by_label("Password").fill(PASSWORD)
    visitor.get_by_role("button", name="Log in").click()

    expect(visitor).to_have_url("/admin/")
