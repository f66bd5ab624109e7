"""The pages of this app."""

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from referral_factory.reporting import page


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The way in. It tells a stranger nothing but where the doors are."""
    return render(request, "index.html")


@gzip_page
@never_cache
@require_safe
@staff_member_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """The numbers of all campaigns, or of one, over a period."""
    context = page.dashboard(request.GET.dict(), wall=timezone.now())
    return render(request, "dashboard/page.html", context)
