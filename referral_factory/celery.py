"""Celery: it spreads work over processes and machines, and keeps none of it.

Truth is in the tables. Each task below finds its own work there and is safe to run
twice, so a message that is lost costs the second until the next one. Nothing in a
request talks to the broker.
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import celeryd_init
from django.conf import settings
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_factory.settings")

# The whole schedule. `expires` keeps sweeps from piling up while no worker runs.
SCHEDULE: dict[str, dict[str, Any]] = {
    "review rewards": {
        "task": "rewards.tasks.review_rewards",
        "schedule": 1.0,
        "options": {"expires": 3.0},
    },
    "settle referrals": {
        "task": "referrals.tasks.settle_referrals",
        "schedule": 1.0,
        "options": {"expires": 3.0},
    },
    "send e-mails": {
        "task": "referral_factory.mail.tasks.send_emails",
        "schedule": 1.0,
        "options": {"expires": 3.0},
    },
    "forget e-mails": {
        "task": "referral_factory.mail.tasks.purge_emails",
        "schedule": crontab(minute="17"),
        "options": {"expires": 1800.0},
    },
    "work on imports": {
        "task": "referrals.tasks.work_on_imports",
        "schedule": 1.0,
        "options": {"expires": 3.0},
    },
    "work on backtests": {
        "task": "referral_factory.backtests.tasks.work_on_backtests",
        "schedule": 1.0,
        "options": {"expires": 3.0},
    },
    "forget backtests": {
        "task": "referral_factory.backtests.tasks.purge_backtests",
        "schedule": crontab(minute="57"),
        "options": {"expires": 1800.0},
    },
    "purge imports": {
        "task": "referrals.tasks.purge_imports",
        "schedule": crontab(minute="47"),
        "options": {"expires": 1800.0},
    },
    "drop join requests": {
        "task": "referrals.tasks.drop_join_requests",
        "schedule": crontab(minute="27"),
        "options": {"expires": 1800.0},
    },
    "care for partitions": {
        "task": "webhooks.tasks.care_for_partitions",
        "schedule": crontab(minute="7"),
        "options": {"expires": 1800.0},
    },
    "purge what has expired": {
        "task": "referral_factory.access.tasks.purge",
        "schedule": crontab(minute="37"),
        "options": {"expires": 1800.0},
    },
}
if not settings.EMAIL_URL:
    del SCHEDULE["send e-mails"]

VISIBILITY = 120  # seconds until work of a dead worker is handed out again
LONGEST = 30  # seconds that a task may take; well below VISIBILITY


def database_conninfo() -> str:
    """Our database as libpq wants it: a URL would lose the socket and sslmode."""
    database = settings.DATABASES["default"]
    named = {
        "dbname": database["NAME"],
        "user": database.get("USER"),
        "password": database.get("PASSWORD"),
        "host": database.get("HOST"),
        "port": database.get("PORT"),
    }
    libpq = {option.keyword.decode() for option in Conninfo.get_defaults()}
    others = {k: v for k, v in database.get("OPTIONS", {}).items() if k in libpq}
    return make_conninfo("", **{k: v for k, v in named.items() if v}, **others)


def in_database() -> dict[str, Any]:
    """Queues as tables (PGMQ), in SQL only; migration project.0001 makes them."""
    return {
        "conn_string": database_conninfo(),
        "init_extension": False,
        "use_notify": False,  # of who only publishes: see listen
        "polling_interval": 1,  # should a notification get lost
        "wait_time_seconds": 0,
        "visibility_timeout": VISIBILITY,
        "pool_size": 2,
        "pool_timeout": 3,
    }


def in_redis() -> dict[str, Any]:
    """Every application on that Redis must agree: the shortest visibility wins."""
    return {
        "visibility_timeout": VISIBILITY,
        "unacked_restore_interval": 5,  # by default work comes back after 100 s
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,  # above the worker's wait for work, which is 1 s
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


def in_rabbitmq() -> dict[str, Any]:
    """Without confirmation a broker may lose what it has taken."""
    return {"confirm_publish": True, "confirm_timeout": 5, "connect_timeout": 1}


TRANSPORTS = {
    "": in_database,
    "pgmq": in_database,
    "redis": in_redis,
    "rediss": in_redis,
    "amqp": in_rabbitmq,
    "amqps": in_rabbitmq,
}


def transport_options(url: str) -> dict[str, Any]:
    scheme = url.partition("://")[0]
    return TRANSPORTS.get(scheme, dict)()


app = Celery("referral_factory")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL or "pgmq://localhost",  # conn_string says it
    broker_transport_options=transport_options(settings.CELERY_BROKER_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # by default it gives up after 100
    broker_connection_timeout=1,
    broker_pool_acquire_timeout=1,  # by default it waits for ever
    broker_heartbeat=10,
    task_default_queue="work",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=LONGEST,
    task_soft_time_limit=LONGEST - 5,
    worker_prefetch_multiplier=4,  # PGMQ falls to 6 tasks a second with 1
    worker_enable_remote_control=False,  # PGMQ refuses the names of its queues
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    timezone="UTC",
    # Nothing to remember: the sweeps run every second, the rest by the clock.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule=SCHEDULE,
)
app.autodiscover_tasks()


@celeryd_init.connect
def listen(conf: Any, **kwargs: Any) -> None:
    """Have workers woken by notifications, and nobody else.

    The scheduler would listen too, and never read: its connection fills up, and
    PostgreSQL keeps every notification since.
    """
    options = conf.broker_transport_options
    if "use_notify" in options:
        conf.broker_transport_options = {**options, "use_notify": True}
