"""Addresses of this room under ``/api/v1/``."""

from ads.rest import ads, explaining, performance, redeeming, serving, sponsors
from common.problems import reads_own_query
from common.rest import optional_slash

urlpatterns = [
    optional_slash("ads/serve", serving.ServeView.as_view(), name="serve-ads"),
    optional_slash("ads/impressions", redeeming.ImpressionsView.as_view(), name="ad-impressions"),
    optional_slash("ads", ads.AdsView.as_view(), name="ads"),
    optional_slash("ads/<uuid:ad_id>", ads.AdView.as_view(), name="ad"),
    optional_slash("ads/<uuid:ad_id>/pause", ads.PauseView.as_view(), name="pause-ad"),
    optional_slash("ads/<uuid:ad_id>/resume", ads.ResumeView.as_view(), name="resume-ad"),
    optional_slash("ads/<uuid:ad_id>/inject", ads.InjectView.as_view(), name="inject-ad"),
    optional_slash("events/<uuid:event_id>/ads", ads.EventAdsView.as_view(), name="event-ads"),
    optional_slash(
        "events/<uuid:event_id>/ads/performance", performance.PerformanceView.as_view(), name="ad-performance"
    ),
    optional_slash("ads/<uuid:ad_id>/click", redeeming.ClickView.as_view(), name="ad-click"),
    optional_slash("ads/<uuid:ad_id>/go", reads_own_query(redeeming.GoView.as_view()), name="ad-go"),
    optional_slash("ads/explain", explaining.ExplainView.as_view(), name="explain-ads"),
    optional_slash(
        "events/<uuid:event_id>/sponsors", sponsors.EventSponsorsView.as_view(), name="event-sponsors"
    ),
    optional_slash("sponsors/<uuid:sponsor_id>/leads", sponsors.LeadsView.as_view(), name="sponsor-leads"),
    optional_slash(
        "sponsors/<uuid:sponsor_id>/leads/export",
        sponsors.LeadsExportView.as_view(),
        name="sponsor-leads-export",
    ),
]
