"""A printed ticket as an answer to download."""

from django.http import HttpResponse

from tickets.types import PrintedTicket


def pdf_answer(printed: PrintedTicket) -> HttpResponse:
    """Return the answer that keeps the PDF under its name; no cache keeps it, for whoever has it gets in."""
    answer = HttpResponse(printed.content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{printed.filename}"'
    answer["Cache-Control"] = "no-store"
    return answer
