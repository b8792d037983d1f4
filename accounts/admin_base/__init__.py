"""What every admin screen of the house stands on (REQ EV-04).

``ScopedModelAdmin`` shows and changes only what the user's roles reach; ``act`` declares a deed on rows,
confirmed by
POST with a reason and answered row by row.
"""

from accounts.admin_base.acts import Act, ActCall, ActForm, act
from accounts.admin_base.scoped import ScopedModelAdmin
from accounts.admin_base.stale import refuse_overtaken, shown_by

__all__ = ["Act", "ActCall", "ActForm", "ScopedModelAdmin", "act", "refuse_overtaken", "shown_by"]
