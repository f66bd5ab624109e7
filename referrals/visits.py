"""What counts as a click: a person's visit, as far as its headers tell. Pure.

A robot that calls itself a browser is counted, and is for review to find. A person who
is taken for a robot is an advocate without their credit, which is worse: so each word
here names something that no browser has in its name.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

# Fetched in case somebody clicks: by browsers, old and new, and by Safari's Top Sites.
PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
UNSEEN = ("prefetch", "preview", "prerender")

ROBOTS = re.compile(
    r"""
      (?<!cu)bot(?![a-z]) | bots\b   # Googlebot, Slackbot-LinkExpanding; not a Cubot
    | crawl | spider | slurp | scrapy | archiver | validator | lighthouse | pagespeed
    | \bpreview | preview\b          # Snap URL Preview Service, BingPreview
    | facebookexternal | facebookcatalog | meta-external | facebot
    | ^whatsapp/ | ^viber/ | ^pinterest/0 | skypeuripreview | vkshare | linkexpanding
    | embedly | iframely | quora\ link | tumblr/ | flipboardproxy | yahoo\ link
    | google-(?:pagerenderer|inspectiontool|read-aloud|extended|safety|site)
    | googleother | mediapartners | apis-google | feedfetcher | headlesschrome
    | phantomjs | monitor(?:ing)?\b | pingdom | statuscake | site24x7 | newrelic
    | ^(?:curl|wget|lwp|libwww|java|okhttp|axios|node|undici|got|ruby|php|guzzle|python
        |aiohttp|httpx|go-http|apache-httpclient|dart|postman|insomnia|httpie|faraday)\b
    """,
    re.VERBOSE,
)


def is_visit(method: str, headers: Mapping[str, str]) -> bool:
    """Whether somebody clicked. The headers are as WSGI names them."""
    if method != "GET":
        return False
    for name in PURPOSES:
        purpose = headers.get(name, "").lower()
        if purpose and any(word in purpose for word in UNSEEN):
            return False
    return not is_robot(headers.get("HTTP_USER_AGENT", ""))


@lru_cache(maxsize=1000)
def is_robot(user_agent: str) -> bool:
    return ROBOTS.search(user_agent.lower()) is not None
