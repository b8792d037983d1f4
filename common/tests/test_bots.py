"""Which clients say that they are programs."""

import pytest

from common.bots import is_bot

_PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Edg/142.0",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36 Instagram 350",
    "okhttp/4.12.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7)",
)
_PROGRAMS = (
    "", "   ", "-", "Mozilla",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "WhatsApp/2.23.20.0 A",
    "curl/8.5.0", "Wget/1.21.4", "python-requests/2.32.3", "Python-urllib/3.11", "aiohttp/3.10", "python-httpx/0.27",
    "Go-http-client/2.0", "Java/17.0.9", "Apache-HttpClient/4.5.14", "axios/1.7.2", "node-fetch/1.0", "Scrapy/2.11",
    "PostmanRuntime/7.40.0", "HTTPie/3.2.2", "Wrk/4.2.0 bench", "Chrome-Lighthouse Mozilla/5.0",
    "Pingdom.com_bot_version_1.4", "Ruby/3.3 Net::HTTP", "Guzzle/7 PHP/8.3", "libwww-perl/6.67",
)  # fmt: skip


@pytest.mark.parametrize("agent", _PEOPLE)
def test_browsers_and_apps_are_people(agent: str) -> None:
    """What people use counts (REQ AD-04)."""
    assert not is_bot(agent)


@pytest.mark.parametrize("agent", _PROGRAMS)
def test_programs_are_known_by_name(agent: str) -> None:
    """What calls itself a program, or nothing, does not (REQ AD-04)."""
    assert is_bot(agent)
