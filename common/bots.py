"""Automated clients, by what they call themselves. Who pretends to be a browser is found by its numbers instead.

The signs are those that lists of the field agree on (IAB/ABC "Spiders and Bots": words in the name of the client):
honest programs name themselves, and a browser never leaves its name out.
"""

import re
from functools import lru_cache
from typing import Final

# "Cubot" is a make of telephones, "Abbott" and "TrustWallet" are no programs, and a browser may be a preview.
_SIGNS: Final = re.compile(
    r"(?<!cu)bots?(?![a-z])|crawl|spider|slurp|scrap|fetch|headless|phantomjs|puppeteer|playwright|selenium|webdriver"
    r"|curl|wget|httpie|postman|insomnia|python|aiohttp|httpx|urllib|java/|jakarta|apache-httpclient"
    r"|go-http|libwww|lwp|\bperl|ruby|php/|guzzle|axios|undici|node-|deno/|bun/|dart/|\brust|reqwest|powershell"
    r"|lighthouse|pagespeed|gtmetrix|pingdom|uptime|monitor|(?<!technology )preview"
    r"|facebookexternalhit|whatsapp/|embedly|validator|locust|wrk/|k6/|jmeter|apachebench",
    re.IGNORECASE,
)
_SHORTEST: Final = 8


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """Say whether a client says that it is a program, or says nothing of itself."""
    return len(user_agent.strip()) < _SHORTEST or _SIGNS.search(user_agent) is not None
