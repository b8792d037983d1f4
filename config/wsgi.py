"""The WSGI door: REST, GraphQL, admin, storefront. Served by granian.

URLs and templates are loaded here, before the first request, so that nobody waits for imports.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402

get_resolver().url_patterns  # noqa: B018  (reading it imports every view)
