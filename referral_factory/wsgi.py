import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_factory.settings")
application = get_wsgi_application()
# What loading made is there to stay: the collector need not look at it ever again.
gc.collect()
gc.freeze()
