"""What every list of the house does alike."""

from typing import Any

from django.http import HttpRequest
from unfold.views import ChangeList


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
