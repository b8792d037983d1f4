"""Who may make whom what, and that nobody is left without an owner."""

from datetime import UTC, datetime

import pytest

from accounts.errors import AlreadyMember, LastOwner
from accounts.models import Membership, Organization, User
from accounts.services import members
from accounts.services.access import actor_of, allowed, require
from accounts.services.organizations import create_organization, update_organization
from accounts.services.users import update_user
from accounts.tests.factories import (
    make_member,
    make_membership,
    make_organization,
    make_superuser,
    make_user,
)
from accounts.types import Capability, Role
from common.audit.models import AuditEntry
from common.errors import Forbidden, Invalid, NotFound, Unauthenticated
from common.types import ANONYMOUS, SYSTEM
from config.local_stack.testing.race import Race

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Organization:
    """Give an organization with one owner."""
    organization = make_organization()
    make_member("owner", organization=organization, email="owner@example.test")
    return organization


def user(email: str) -> User:
    """Return the user of an e-mail."""
    return User.objects.get(email=email)


def test_owner_adds_a_member_who_may_then_enter_the_admin(house: Organization) -> None:
    """A role from analyst up opens the admin, and the act is in the history. REQ EV-01, EV-04."""
    make_user("new@example.test")
    actor = actor_of(user("owner@example.test"))
    members.add_member(
        actor=actor,
        organization_id=house.pk,
        email="NEW@example.test",
        role="analyst",
        reason="hired",
        now=NOW,
    )
    assert user("new@example.test").is_staff
    entry = AuditEntry.objects.get(action="accounts.add_member")
    assert (entry.actor_id, entry.organization_id, entry.reason) == (actor.user_id, house.pk, "hired")


def test_scanner_stays_out_of_the_admin_and_losing_the_role_closes_it(house: Organization) -> None:
    """``is_staff`` follows the roles, in every organization together. REQ EV-01."""
    actor = actor_of(user("owner@example.test"))
    added = members.add_member(
        actor=actor, organization_id=house.pk, email="s@example.test", role="scanner", now=NOW
    )
    assert not user("s@example.test").is_staff
    members.change_role(actor=actor, membership_id=added.pk, role="staff", now=NOW)
    assert user("s@example.test").is_staff
    elsewhere = make_membership("analyst", user=user("s@example.test"))
    members.remove_member(actor=actor, membership_id=added.pk, now=NOW)
    assert user("s@example.test").is_staff
    members.remove_member(actor=SYSTEM, membership_id=elsewhere.pk, now=NOW)
    assert not user("s@example.test").is_staff


def test_admin_manages_members_but_not_owners(house: Organization) -> None:
    """Only an owner makes, demotes or removes an owner; the refusal changes nothing. REQ EV-01."""
    admin = actor_of(make_member("admin", organization=house))
    owner = Membership.objects.get(organization=house, role="owner")
    before = list(Membership.objects.values_list("user_id", "role").order_by("pk"))
    with pytest.raises(Forbidden):
        members.add_member(
            actor=admin, organization_id=house.pk, email="x@example.test", role="owner", now=NOW
        )
    with pytest.raises(Forbidden):
        members.change_role(actor=admin, membership_id=owner.pk, role="staff", now=NOW)
    with pytest.raises(Forbidden):
        members.remove_member(actor=admin, membership_id=owner.pk, now=NOW)
    assert list(Membership.objects.values_list("user_id", "role").order_by("pk")) == before
    assert not User.objects.filter(email="x@example.test").exists()


def test_the_last_owner_stays(house: Organization) -> None:
    """An organization is never left without an owner. REQ EV-01."""
    actor = actor_of(user("owner@example.test"))
    owner = Membership.objects.get(organization=house)
    with pytest.raises(LastOwner):
        members.remove_member(actor=actor, membership_id=owner.pk, now=NOW)
    with pytest.raises(LastOwner):
        members.change_role(actor=actor, membership_id=owner.pk, role="admin", now=NOW)
    assert Membership.objects.get(organization=house).role == "owner"


@pytest.mark.django_db(transaction=True)
def test_two_owners_leaving_at_once_leave_one(house: Organization, race: Race) -> None:
    """Both see the other when they look; the lock lets one go. REQ EV-01."""
    make_member("owner", organization=house)
    owners = list(Membership.objects.filter(organization=house))
    results = race.each(
        [
            lambda one=one: members.remove_member(actor=SYSTEM, membership_id=one.pk, now=NOW)  # type: ignore[misc]
            for one in owners
        ]
    )
    assert sorted(type(result).__name__ for result in results) == ["LastOwner", "NoneType"]
    assert Membership.objects.filter(organization=house, role="owner").count() == 1


def test_strangers_find_nothing_and_staff_may_not(house: Organization) -> None:
    """Not signed in, not a member, and without the role are three answers. REQ EV-03."""
    staff = actor_of(make_member("staff", organization=house))
    rival = actor_of(make_member("owner"))
    for actor, failure in ((ANONYMOUS, Unauthenticated), (rival, NotFound), (staff, Forbidden)):
        with pytest.raises(failure):
            require(actor, house.pk, Capability.MANAGE_MEMBERS)
        with pytest.raises(failure):
            members.add_member(
                actor=actor, organization_id=house.pk, email="y@example.test", role="staff", now=NOW
            )
    assert not User.objects.filter(email="y@example.test").exists()
    assert allowed(actor_of(make_superuser()), house.pk, Capability.REFUND)


def test_wrong_values_name_their_field(house: Organization) -> None:
    """A role or an address that is none is refused by its field; a member twice is a conflict. REQ EV-01."""
    actor = actor_of(user("owner@example.test"))
    for field, email, role in (("role", "z@example.test", "king"), ("email", "nobody", "staff")):
        with pytest.raises(Invalid) as refused:
            members.add_member(actor=actor, organization_id=house.pk, email=email, role=role, now=NOW)
        assert [error.field for error in refused.value.errors] == [field]
    with pytest.raises(AlreadyMember):
        members.add_member(
            actor=actor, organization_id=house.pk, email="owner@example.test", role="staff", now=NOW
        )


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.SCANNER, {Capability.SCAN}, {Capability.VIEW_ADMIN, Capability.MANAGE_OFFERS}),
        (
            Role.ANALYST,
            {Capability.VIEW_ANALYTICS, Capability.VIEW_ADMIN},
            {Capability.VIEW_ORDERS, Capability.SCAN},
        ),
        (
            Role.STAFF,
            {Capability.MANAGE_OFFERS, Capability.FULFIL, Capability.DEAD_LETTERS},
            {Capability.REFUND},
        ),
        (Role.ADMIN, {Capability.REFUND, Capability.MANAGE_MEMBERS}, set()),
        (Role.OWNER, {Capability.REFUND, Capability.RUN_EXPERIMENTS}, set()),
    ],
)
def test_roles_may_what_the_contract_says(
    house: Organization, role: str, may: set[Capability], may_not: set[Capability]
) -> None:
    """Each role has its line of the contract's table, in its own organization only. REQ EV-03."""
    actor = actor_of(make_member(role, organization=house))
    assert all(allowed(actor, house.pk, capability) for capability in may)
    assert not any(allowed(actor, house.pk, capability) for capability in may_not)
    assert not any(allowed(actor, make_organization().pk, capability) for capability in Capability)


def test_operators_make_organizations_and_owners_rename_them(house: Organization) -> None:
    """A slug is the operators', a name the owners'; both are audited. REQ EV-01."""
    owner = actor_of(user("owner@example.test"))
    with pytest.raises(Forbidden):
        create_organization(actor=owner, slug="mine", name="Mine", now=NOW)
    made = create_organization(actor=actor_of(make_superuser()), slug="fresh", name=" Fr\u202eesh\n", now=NOW)
    assert made.name == "Fresh"
    update_organization(actor=owner, organization_id=house.pk, slug=house.slug, name="Renamed", now=NOW)
    with pytest.raises(Forbidden):
        update_organization(actor=owner, organization_id=house.pk, slug="other", name="Renamed", now=NOW)
    with pytest.raises(NotFound):
        update_organization(actor=owner, organization_id=made.pk, slug="fresh", name="Taken", now=NOW)
    house.refresh_from_db()
    assert (house.name, AuditEntry.objects.filter(action="accounts.update_organization").count()) == (
        "Renamed",
        1,
    )


def test_an_operator_shuts_a_person_out_but_not_themselves() -> None:
    """Only superusers do, and one cannot lock oneself out. REQ EV-02."""
    operator, person = make_superuser(), make_user()
    with pytest.raises(Forbidden):
        update_user(actor=actor_of(person), user_id=operator.pk, name="x", is_active=False, now=NOW)
    update_user(actor=actor_of(operator), user_id=person.pk, name="\u202eGone\n", is_active=False, now=NOW)
    person.refresh_from_db()
    assert (person.name, person.is_active) == ("Gone", False)
    with pytest.raises(Exception, match="own"):
        update_user(actor=actor_of(operator), user_id=operator.pk, name="", is_active=False, now=NOW)
    operator.refresh_from_db()
    assert operator.is_active
