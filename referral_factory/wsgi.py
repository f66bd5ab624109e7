import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_factory.settings")
django = get_wsgi_application()

from referral_factory.api import quick  # noqa: E402 - these need all of it
from referral_factory.pages import links  # noqa: E402

application = links.before_django(quick.before_django(django))
# What loading made is there to stay: the collector need not look at it ever again.
gc.collect()
gc.freeze()
# A call about thousands of people makes many objects that are in no ring: look less
# often than after every 700.
gc.set_threshold(50_000, 10, 10)
