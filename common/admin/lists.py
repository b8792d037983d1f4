"""What every list of the house does alike."""

from typing import Any, ClassVar

from django.http import HttpRequest
from unfold.views import ChangeList

from common.admin.lookups import NarrowLists


class HouseList(ChangeList):
    """Says how many rows there are without a second count: unfiltered, those found are all."""

    result_count: int
    full_result_count: Any
    has_active_filters: bool
    query: str

    def get_results(self, request: HttpRequest) -> None:
        """Load the page."""
        super().get_results(request)
        if not self.has_active_filters and not self.query:
            self.full_result_count = self.result_count


class HouseLists(NarrowLists):
    """A screen whose list pages, counts and says why it is empty as all of ours do."""

    # Said where the list is empty: what comes here, and by what.
    nothing_here: ClassVar[str] = ""
    # Above it, where an empty list does not mean that nothing came yet.
    nothing_title: ClassVar[str] = ""
    show_full_result_count = False
    list_per_page: ClassVar[int] = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Count once."""
        return HouseList
