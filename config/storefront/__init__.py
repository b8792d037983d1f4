"""The attendee's demo pages: templates and plain JavaScript on the public API, nothing else."""
