"""Files as answers, the same from every door."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse

from ads.services import exports


def csv_answer(lines: Iterator[str], *, file_name: str = exports.FILE_NAME) -> StreamingHttpResponse:
    """Answer with a file that is sent as its lines are read, and kept nowhere on the way."""
    return StreamingHttpResponse(
        lines,
        content_type=exports.CONTENT_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        },
    )
