"""Who sees which entry of the staff's sidebar (django-unfold: ``permission`` callbacks).

An entry that is hidden is not thereby closed: each screen asks again (``accounts.admin_base``).
"""

from django.http import HttpRequest

from accounts.models import User
from accounts.scope import scope_of
from accounts.types import Capability


def superuser(request: HttpRequest) -> bool:
    """Say whether an operator asks."""
    return isinstance(request.user, User) and request.user.is_active and request.user.is_superuser


def staff(request: HttpRequest) -> bool:
    """Say whether anybody asks who may enter the admin."""
    return scope_of(request).has(Capability.VIEW_ADMIN)


def view_analytics(request: HttpRequest) -> bool:
    """Say whether they read figures anywhere."""
    return scope_of(request).has(Capability.VIEW_ANALYTICS)


def view_orders(request: HttpRequest) -> bool:
    """Say whether they see orders anywhere."""
    return scope_of(request).has(Capability.VIEW_ORDERS)


def manage_events(request: HttpRequest) -> bool:
    """Say whether they manage events anywhere."""
    return scope_of(request).has(Capability.MANAGE_EVENTS)


def manage_offers(request: HttpRequest) -> bool:
    """Say whether they manage offers anywhere."""
    return scope_of(request).has(Capability.MANAGE_OFFERS)


def fulfil(request: HttpRequest) -> bool:
    """Say whether they fulfil purchases anywhere."""
    return scope_of(request).has(Capability.FULFIL)


def dead_letters(request: HttpRequest) -> bool:
    """Say whether they handle dead letters anywhere."""
    return scope_of(request).has(Capability.DEAD_LETTERS)


def manage_members(request: HttpRequest) -> bool:
    """Say whether they manage members anywhere."""
    return scope_of(request).has(Capability.MANAGE_MEMBERS)
