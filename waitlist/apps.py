from django.apps import AppConfig


class WaitlistConfig(AppConfig):
    """Queues of full sessions, seat offers, the cascade."""

    name = "waitlist"

    def ready(self) -> None:
        """Fill the registries of the rooms below."""
        from events.audience import who_see_sessions
        from events.registry import register_walk_in_check
        from notifications.realtime import commands
        from notifications.realtime.constants import JOIN_WAITLIST
        from notifications.realtime.rooms import rooms
        from waitlist import handlers  # noqa: F401 jobs need the models first
        from waitlist.commands import join_waitlist
        from waitlist.rooms import may_watch
        from waitlist.services import messages
        from waitlist.services.answering import refuse_holder

        messages.register_templates()
        register_walk_in_check(refuse_holder)
        commands.register(JOIN_WAITLIST, join_waitlist)
        rooms.register("session:{id}:waitlist", may_watch, may_stay=who_see_sessions, is_asked_first=False)
