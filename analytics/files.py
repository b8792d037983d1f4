"""Reports as answers, the same from every door."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from analytics.types.exports import ReportFile


def file_answer(report: ReportFile) -> StreamingHttpResponse:
    """Answer with a report piece by piece. It is closed when it was sent, and when the caller went away before."""
    disposition = content_disposition_header(as_attachment=True, filename=report.filename)
    answer = StreamingHttpResponse(
        _Pieces(report),
        content_type=report.content_type,
        headers={
            "Content-Disposition": disposition or "attachment",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
    # Taken before the report was begun: who is refused has made no work.
    answer.has_place = True  # type: ignore[attr-defined]
    return answer


class _Pieces:
    """What Django walks and, as it has ``close``, closes with the answer, also one that was never begun."""

    def __init__(self, report: ReportFile) -> None:
        self._report = report

    def __iter__(self) -> Iterator[bytes]:
        return self._report.chunks()

    def close(self) -> None:
        """Let go of the file."""
        self._report.close()
