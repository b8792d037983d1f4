"""The tables of this room."""

from ads.models.sponsors import Lead, LeadSource, Sponsor, SponsorMember

__all__ = ["Lead", "LeadSource", "Sponsor", "SponsorMember"]
