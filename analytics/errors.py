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


class AmbiguousSlug(Conflict):
    """Several organizations of the caller have an experiment of that slug: its id says which one is meant."""

    code = "ambiguous_slug"
    title = "Several of your organizations have an experiment of that slug; name it by its id (UUID) instead"


class ReportArchived(Conflict):
    """An archived report is kept for its history and sends nothing any more."""

    code = "report_archived"
    title = "This report is archived"


class ReportPaused(Conflict):
    """It is paused already."""

    code = "report_paused"
    title = "This report is paused already"


class ReportNotPaused(Conflict):
    """Only a paused report goes on."""

    code = "report_not_paused"
    title = "This report is not paused"


class ReportChanged(Conflict):
    """Somebody changed it after it was looked at; looking again shows what it is now."""

    code = "report_changed"
    title = "Somebody changed this report meanwhile; look at it again"


class ReportRunNotFailed(Conflict):
    """Only a run that failed is made again."""

    code = "report_run_not_failed"
    title = "Only a run that failed is made again"
