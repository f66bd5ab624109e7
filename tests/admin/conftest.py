from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

Login = Callable[..., Client]


@pytest.fixture
def login() -> Login:
    """A client of a member of staff with these permissions: 'rewards.view_reward'."""

    def as_staff(name: str, *permissions: str) -> Client:
        user = User.objects.create_user(name, is_staff=True)
        for permission in permissions:
            app, _, codename = permission.partition(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=codename)
            )
        client = Client()
        client.force_login(user)
        return client

    return as_staff


@pytest.fixture
def reviewer(login: Login) -> Client:
    return login("ana", "rewards.view_reward", "rewards.review_reward")


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client
