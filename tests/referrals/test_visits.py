"""Who is a person: browsers of every kind; and who says that they are none."""

import pytest

from referrals.visits import is_robot, is_visit

PEOPLE = [
    "",
    "Mozilla/5.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    # In the windows of other apps.
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/15E148 [FBAN/FBIOS;FBAV/470.0.0.38.110;FBBV/613054010;FBDV/iPhone14,2]",
    "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 Chrome/126.0 Mobile "
    "Safari/537.36 Instagram 340.0.0.22.109 Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "Mobile/21F90 [Pinterest/iOS]",
    "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Mobile "
    "Safari/537.36 WhatsApp/2.24",
    "Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 Chrome/99.0 Mobile "
    "Safari/537.36 Snapchat/12.0 TikTok 26.2.0 Twitter for iPhone Slack/24.1",
    # Whose names only look like it.
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/108.0",
    "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/108.0",
    "Mozilla/5.0 (Linux; Android 10; Robotics Talbotx) AppleWebKit/537.36 Chrome/99",
    "Mozilla/5.0 (X11; U; Linux) AppleWebKit/605 Epiphany/605.1 Python Java Ruby Go",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    "Lynx/2.9.0 libwww-FM/2.14",
    "Mozilla/5.0 (PlayStation 5/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)",
]
ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 (Macintosh) AppleWebKit/605 Safari/605 (Applebot/0.1)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "TelegramBot (like TwitterBot)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1",
    "WhatsApp/2.23.20.0 A",
    "Viber/20.0",
    "SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; Snap URL Preview Service; bot)",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534 BingPreview/1.0b",
    "Pinterest/0.2 (+http://www.pinterest.com/)",
    "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "ia_archiver (+http://www.alexa.com)",
    "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4",
    "Mozilla/5.0 HeadlessChrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 Chrome/140.0 Safari/537.36 Chrome-Lighthouse",
    "GoogleOther",
    "Mediapartners-Google",
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.32",
    "Python-urllib/3.11",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
    "axios/1.7.2",
    "node-fetch/1.0",
    "Java/17.0.1",
    "Apache-HttpClient/4.5.13 (Java/11)",
    "W3C_Validator/1.3",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_counted(agent: str) -> None:
    assert not is_robot(agent)


@pytest.mark.parametrize("agent", ROBOTS)
def test_robots_that_say_so_are_not(agent: str) -> None:
    assert is_robot(agent)


def test_looking_at_headers_alone_is_no_visit() -> None:
    assert is_visit("GET", {})
    assert not is_visit("HEAD", {})
