"""Named failures of this room."""

from common.errors import Conflict


class ExperimentNotDraft(Conflict):
    """A started experiment stands still: who saw what would not be known any more. Define a new one."""

    code = "experiment_not_draft"
    title = "This experiment was started and does not change any more"


class ExperimentNotRunning(Conflict):
    """Only a running experiment can be stopped."""

    code = "experiment_not_running"
    title = "This experiment is not running"


class ExperimentRunning(Conflict):
    """A running experiment is stopped first, then archived."""

    code = "experiment_running"
    title = "This experiment is running; stop it first"


class ExperimentArchived(Conflict):
    """An archived experiment is kept for its results and does nothing any more."""

    code = "experiment_archived"
    title = "This experiment is archived"
