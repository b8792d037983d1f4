"""Named failures of this room."""

from common.errors import Conflict


class LastOwner(Conflict):
    """An organization always has an owner: make somebody else an owner first."""

    code = "last_owner"
    title = "An organization needs an owner"


class AlreadyMember(Conflict):
    """The person has a role there already: change it instead."""

    code = "already_member"
    title = "This person is a member already"


class OwnAccount(Conflict):
    """Somebody would lock themselves out."""

    code = "own_account"
    title = "You cannot deactivate your own account"
