"""What ads were billed. These rows are what a redemption locks, by the ad's id."""

from django.db import models
from django.db.models import F, Q

from ads.models.ads import Ad


class AdSpend(models.Model):
    """What one ad was billed over its life, in micro-units: millionths of the currency's whole unit.

    ``limit_micros`` repeats the ad's total budget, so that the database refuses to bill above it whatever the code
    does; the service that changes the budget changes both. A flat fee is billed once, with the first impression.
    """

    ad = models.OneToOneField(Ad, on_delete=models.PROTECT, related_name="spend", primary_key=True)
    billed_micros = models.PositiveBigIntegerField(default=0)
    limit_micros = models.PositiveBigIntegerField(null=True, blank=True)
    flat_billed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(limit_micros__isnull=True) | Q(billed_micros__lte=F("limit_micros")),
                name="ad_never_billed_above_budget",
            )
        ]

    def __str__(self) -> str:
        return f"{self.billed_micros} micros of {self.ad_id}"


class AdSpendDay(models.Model):
    """What one ad was billed on one day of its event's time zone. Changes under the lock of the ad's ``AdSpend``."""

    pk = models.CompositePrimaryKey("ad_id", "day")
    ad = models.ForeignKey(Ad, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    billed_micros = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.billed_micros} micros of {self.ad_id} on {self.day}"
