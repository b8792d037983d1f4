# One image for every process of the product; docker-compose.yml says which one runs.

FROM python:3.11-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv
WORKDIR /app
COPY requirements/production.txt requirements/production.txt
RUN python -m venv /venv && uv pip install --python /venv/bin/python -r requirements/production.txt
COPY . .
# Collected here, with names that carry their content's hash; the secrets open nothing, no process runs with them.
RUN DJANGO_SETTINGS_MODULE=config.settings.production \
    SECRET_KEY=collectstatic-only DATABASE_URL=postgres://none@127.0.0.1/none REDIS_URL=redis://127.0.0.1/0 \
    STATIC_ROOT=/app/build/static \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production STATIC_ROOT=/app/build/static DATA_DIR=/data
RUN groupadd --system --gid 10001 marquee \
    && useradd --system --uid 10001 --gid marquee --no-create-home --shell /usr/sbin/nologin marquee \
    && mkdir /data && chown marquee:marquee /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER marquee
EXPOSE 8000 8002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/probe.py", "http", "8000", "/readyz"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "25", "--respawn-failed-workers", "--respawn-interval", "0.5", "config.wsgi:application"]
