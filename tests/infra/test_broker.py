"""The broker in the database: who publishes does not listen, or it fills up."""

from types import SimpleNamespace

from celery.signals import celeryd_init

from referral_factory.celery import transport_options


def test_whoever_publishes_does_not_listen() -> None:
    assert transport_options("")["use_notify"] is False


def test_workers_are_woken_by_notifications() -> None:
    conf = SimpleNamespace(broker_transport_options=transport_options(""))

    celeryd_init.send(sender="worker", conf=conf)

    assert conf.broker_transport_options["use_notify"] is True


def test_other_brokers_are_left_as_they_are() -> None:
    options = transport_options("redis://localhost")
    conf = SimpleNamespace(broker_transport_options=options)

    celeryd_init.send(sender="worker", conf=conf)

    assert conf.broker_transport_options == options
