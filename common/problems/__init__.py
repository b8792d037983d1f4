"""One source of error answers: a failure becomes the same code and fields on every door.

REST and plain views answer ``application/problem+json`` (RFC 9457), GraphQL carries it under ``extensions``.
"""

from common.db import violated
from common.problems.documents import (
    CONTENT_TYPE,
    Problem,
    document,
    extensions,
    problem_response,
    status_of,
)
from common.problems.middleware import HostMiddleware, ProblemMiddleware, bounds_own_body, reads_own_query
from common.problems.rest import drf_exception_handler
from common.problems.translation import problem_of

__all__ = [
    "CONTENT_TYPE",
    "HostMiddleware",
    "Problem",
    "ProblemMiddleware",
    "bounds_own_body",
    "document",
    "drf_exception_handler",
    "extensions",
    "problem_of",
    "problem_response",
    "reads_own_query",
    "status_of",
    "violated",
]
