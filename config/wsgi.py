"""The WSGI door: REST, GraphQL, admin, storefront. Served by granian.

URLs and templates are loaded here, before the first request, so that nobody waits for imports.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.bodies import WholeBodies

application = WholeBodies(get_wsgi_application(), most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

from django.urls import get_resolver  # noqa: E402

get_resolver().url_patterns  # noqa: B018  (reading it imports every view)
