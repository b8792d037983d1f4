"""Ads by where they are shown and which sessions they are for, beside many others (REQUIREMENTS OP-07)."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import RequestFactory

from ads.admin.ad_filters import PlacementFilter
from ads.models import Ad
from ads.tests.ad_factories import make_ad

MANY = 5_000


@pytest.mark.django_db
def test_placements_and_sessions_have_their_indexes() -> None:
    """The admin's filter by placement, and ads for one session: neither reads the table. REQ OP-07."""
    template, session = make_ad(), uuid4()
    columns = [field.column for field in Ad._meta.concrete_fields]
    varied = {
        "id": "gen_random_uuid()", "name": "'Ad ' || n", "target_sessions": "ARRAY[gen_random_uuid()]",
        "placements": "CASE WHEN mod(n, 500) = 0 THEN ARRAY['CHECKOUT'] ELSE ARRAY['SIDEBAR'] END::varchar[]",
    }  # fmt: skip
    values = ", ".join(varied.get(column, f'o."{column}"') for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO ads_ad ({", ".join(columns)})
                SELECT {values} FROM ads_ad o, generate_series(1, {MANY}) n WHERE o.id = %s""",  # noqa: S608
            [template.pk],
        )
        cursor.execute("ANALYZE ads_ad")
    Ad.objects.filter(pk=template.pk).update(target_sessions=[session], placements=["SIDEBAR"])
    chosen: Any = PlacementFilter(RequestFactory().get("/"), {"placement": ["CHECKOUT"]}, Ad, None)
    queries = {
        "ad_placements": (chosen.queryset(RequestFactory().get("/"), Ad.objects.all()), MANY // 500),
        "ad_target_sessions": (Ad.objects.filter(target_sessions__contains=[session]), 1),
    }
    for index, (rows, count) in queries.items():
        plan = rows.order_by().explain()
        assert f"{index} " in plan, plan
        assert rows.count() == count
