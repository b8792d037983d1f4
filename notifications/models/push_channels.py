"""Push providers that are not written to just now."""

from django.db import models

from notifications.models.push import PushProvider


class PushChannel(models.Model):
    """Says whether a provider is written to at all; no row: it is."""

    provider = models.CharField(max_length=8, primary_key=True, choices=PushProvider.choices)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.get_provider_display())


class PushPart(models.Model):
    """Says whether a part of a provider (``pushing.parts``) is written to; no row: it is, while its provider is."""

    name = models.CharField(max_length=300, primary_key=True)
    provider = models.CharField(max_length=8, choices=PushProvider.choices)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True, default="")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
