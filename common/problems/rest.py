"""DRF's door to the problems."""

from typing import Any

from django.http import HttpResponse
from rest_framework import exceptions as drf

from common.problems.documents import problem_response
from common.problems.translation import problem_of


def drf_exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer an exception of a DRF view, whatever renderer was negotiated.

    None lets a defect go on to the 500 answer.
    """
    problem = problem_of(error)
    if problem is None:
        return None
    response = problem_response(problem)
    if isinstance(error, drf.AuthenticationFailed):
        # RFC 6750: a token that was given and is wrong is told apart from none.
        response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response
