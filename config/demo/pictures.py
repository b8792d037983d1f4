"""``python -m config.demo.pictures [ADDRESS]``: take the pictures of the documentation from a demo that runs.

On the way it does what the README tells to try: a video is bought and given back, a ticket let in and out. So it can
be run again on the same data. For development alone: nothing of the product imports it, nor Playwright.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Error, Page, Response, expect, sync_playwright

from config.local_stack.environment import ROOT
from config.local_stack.testing.tools import chromium_path

FOLDER: Final = ROOT / "docs" / "images"
_USUAL_ADDRESS: Final = "http://127.0.0.1:8000"
# As in config.demo.people, which needs Django to be imported.
_PASSWORD: Final = "demo"  # noqa: S105  (printed on the sign-in page)
_OFFER: Final = "Backstage video"
_EVENT: Final = "Demo Conf"
_GATE: Final = "North gate"
_WIDTH, _SHOP, _PHONE, _LOWEST = 1440, 1200, 400, 800
_MARGIN: Final = 12
_MOST_BYTES: Final = 150_000
_COLOURS: Final = 256
# A screen of the admin has some two thousand, by the soft edges of its letters.
_FEW_COLOURS: Final = 5_000
_PATIENCE_MS: Final = 20_000
_PAUSE_MS: Final = 500
# After it the bar of a list that was scrolled is gone.
_SETTLED_MS: Final = 1_500
_LOOKS: Final = 60
_ERRORS_FROM: Final = 400
# The sidebar is longer than the window: show the part with the screen that is open.
_SHOW_PLACE: Final = """() => {
    document.querySelector("#nav-sidebar-apps .active")?.scrollIntoView({ block: "center" });
    window.scrollTo(0, 0);
    return document.fonts.ready.then(() => true);
}"""
_WHOLE: Final = "() => document.documentElement.scrollHeight"
_ROOMS_BELOW: Final = """() => {
    const rooms = document.querySelector("#nav-sidebar-apps .simplebar-content-wrapper");
    return rooms.scrollHeight - rooms.clientHeight;
}"""
_BOTTOM: Final = "(one) => one.getBoundingClientRect().bottom + window.scrollY"


class NotTaken(Exception):
    """A picture could not be taken as it should be; the message says why."""


@dataclass
class Camera:
    """A browser before the demo, and what went wrong in its pages."""

    browser: Browser
    address: str
    troubles: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, path: str, *, login: str = "", width: int = _WIDTH) -> Iterator[Page]:
        """Open a page of the storefront, or of the admin, in a fresh profile; signed in where there is a login."""
        context = self.browser.new_context(
            viewport={"width": width, "height": _LOWEST},
            color_scheme="light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("response", self._note)
        if not login:
            page.goto(f"{self.address}{path}")
        elif path.startswith("/admin/"):
            self._enter(page, f"/admin/login/?next={path}", login)
        else:
            self._enter(page, f"/signin?next={path}", login)
        yield page
        context.close()

    def _enter(self, page: Page, path: str, login: str) -> None:
        page.goto(f"{self.address}{path}")
        page.locator("[name=username], [name=email]").fill(f"{login}@demo.test")
        page.locator("[name=password]").fill(_PASSWORD)
        page.locator("form:has([name=password]) [type=submit]").click()
        page.wait_for_url(lambda url: "next=" not in url)

    def _note(self, response: Response) -> None:
        if response.status >= _ERRORS_FROM:
            self.troubles.append(f"{response.status} {response.url}")

    def keep(self, page: Page, name: str, *, until: str = "", has_all_rooms: bool = False) -> None:
        """Write what the page shows, down to the end of the first element that ``until`` finds, or all of it.

        With all rooms it is high enough for the whole sidebar. Raises ``NotTaken``.
        """
        width = (page.viewport_size or {"width": _WIDTH})["width"]
        page.set_viewport_size({"width": width, "height": _LOWEST})
        bottom = page.locator(until).first.evaluate(_BOTTOM) + _MARGIN if until else page.evaluate(_WHOLE)
        height = max(_LOWEST, round(bottom))
        page.set_viewport_size({"width": width, "height": height})
        if has_all_rooms:
            page.set_viewport_size({"width": width, "height": height + page.evaluate(_ROOMS_BELOW)})
        page.evaluate(_SHOW_PLACE)
        page.wait_for_timeout(_SETTLED_MS)
        taken = page.screenshot(animations="disabled", type="png")
        if self.troubles:
            raise NotTaken(f"{name}: {'; '.join(self.troubles)}")
        written = _small(taken)
        if len(written) > _MOST_BYTES:
            raise NotTaken(f"{name}: {len(written)} bytes are too many for a page")
        (FOLDER / f"{name}.png").write_bytes(written)
        sys.stdout.write(f"  ok {name}.png, {len(written)} bytes\n")


def _small(taken: bytes) -> bytes:
    """Return the picture in a palette: of what there is most where colours flow, else with the rare ones kept."""
    picture = Image.open(io.BytesIO(taken)).convert("RGB")
    flows = picture.getcolors(_FEW_COLOURS) is None
    method = Image.Quantize.MEDIANCUT if flows else Image.Quantize.MAXCOVERAGE
    written = io.BytesIO()
    picture.quantize(_COLOURS, method=method, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


def _storefront(camera: Camera) -> None:
    with camera.visit("/events/demo-conf", width=_SHOP) as page:
        expect(page.locator("#offers > li")).not_to_have_count(0)
        expect(page.locator("[data-ad=EVENT_HERO] img")).to_be_visible()
        camera.keep(page, "storefront", until="#offers > li:nth-child(3)")


def _order(camera: Camera) -> None:
    """Buy, pay and give back, as the README tells; then the order's page with all that came of it."""
    with camera.visit("/events/demo-conf", login="standard1") as page:
        page.get_by_role("button", name=f"Buy {_OFFER}").click()
        page.get_by_role("button", name="Pay").first.click()
        expect(page.locator(".goods code")).to_be_visible()
    with camera.visit("/admin/payments/order/", login="owner") as page:
        page.get_by_role("row", name=_OFFER).first.get_by_role("link").first.click()
        _look_until(page, f"Sent: Your access to {_OFFER}")
        page.locator("a[href*='/act/refund/']").click()
        page.get_by_label("Take goods back?").select_option("1")
        page.get_by_label("Reason").fill("The video did not play")
        page.get_by_role("button", name="Refund").click()
        _look_until(page, "Sent: Refund for order")
        camera.keep(page, "order", has_all_rooms=True)


def _look_until(page: Page, words: str) -> None:
    """Load the page again until workers did what the words tell of. Raises ``NotTaken``."""
    for _ in range(_LOOKS):
        if page.get_by_text(words).count():
            return
        page.wait_for_timeout(_PAUSE_MS)
        page.reload()
    raise NotTaken(f"never said: {words}")


def _lists(camera: Camera) -> None:
    with camera.visit("/admin/", login="owner") as page:
        camera.keep(page, "overview", until=".mq-columns")
        page.goto(f"{camera.address}/admin/offers/offer/")
        camera.keep(page, "offers")
        page.goto(f"{camera.address}/admin/tickets/ticketscan/")
        camera.keep(page, "scans")


def _waitlist(camera: Camera) -> None:
    with camera.visit("/admin/waitlist/sessionwaitlist/", login="owner") as page:
        page.get_by_role("link", name="Pricing masterclass").click()
        expect(page.locator("#live-status")).to_have_text("Live")
        camera.keep(page, "waitlist", until="tr[id^=entry]:nth-child(10)")


def _ads(camera: Camera) -> None:
    with camera.visit("/admin/ads/ad/performance/", login="owner") as page:
        page.locator("#choose-event").select_option(label=_EVENT)
        page.get_by_role("button", name="Choose").click()
        camera.keep(page, "ads", until="section:has(#figures-title)")


def _console(camera: Camera) -> None:
    with camera.visit("/admin/", login="owner") as page:
        page.get_by_role("link", name=_EVENT).first.click()
        expect(page.locator(".mq-loading")).to_have_count(0)
        expect(page.locator("#refreshed")).to_contain_text("Updated at")
        camera.keep(page, "console", until=".mq-panel:nth-child(2)")


def _door(camera: Camera) -> None:
    """An attendee reads their code out, the scanner types it; they leave again, for the next time."""
    with camera.visit("/tickets", login="standard2") as page:
        page.get_by_role("link", name=_EVENT).first.click()
        expect(page.locator("#manual")).to_be_visible()
        code = page.locator("#manual").inner_text()
    with camera.visit("/scan", login="scanner", width=_PHONE) as page:
        expect(page.locator("#figures")).to_contain_text("tickets came")
        page.get_by_label("Gate").fill(_GATE)
        before = page.locator("#figures").inner_text()
        _scan(page, code)
        expect(page.locator(".verdict")).to_have_text("✓ Let in")
        expect(page.locator("#figures")).not_to_have_text(before)
        camera.keep(page, "door", until="#log")
        page.get_by_label("They are leaving").check()
        _scan(page, code)
        expect(page.locator(".verdict")).to_have_text("✓ Let out")


def _scan(page: Page, code: str) -> None:
    page.get_by_label("Type the code").fill(code)
    page.get_by_role("button", name="Check").click()


# The storefront before a purchase, the lists before a scan of our own.
SCENES: Final[tuple[Callable[[Camera], None], ...]] = (
    _storefront, _order, _lists, _waitlist, _ads, _console, _door,
)  # fmt: skip


def main() -> int:
    """Take every picture into ``docs/images``; 1 when one could not be taken."""
    address = (sys.argv[1] if len(sys.argv) > 1 else _USUAL_ADDRESS).rstrip("/")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        try:
            for scene in SCENES:
                scene(Camera(browser, address))
        except (NotTaken, Error, AssertionError) as failure:
            sys.stderr.write(f"error: {failure}\n")
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
