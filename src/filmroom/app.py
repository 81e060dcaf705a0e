"""The HTTP application of an archive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from starlette.routing import Router

from filmroom.rest.call import Site, SiteProperty, Tier
from filmroom.rest.endpoint import Endpoint
from filmroom.rest.processors import Processors
from filmroom.rest.proxies import read_networks
from filmroom.rest.threads import Pool, Threads
from filmroom.rest.transfer import BodyLimits
from filmroom.service.archive import Archive
from filmroom.service.rounds import Rounds
from filmroom.settings import Settings

# More than may have or wait for a turn at a password, so that there are some for who is refused at once.
_PASSWORD_THREADS: Final = 8
_HEALTH_THREADS: Final = 1


def _properties(settings: Settings) -> tuple[SiteProperty, ...]:
    """C-163, C-164: the settings by the names that XNAT has for them, and what is always so here."""
    return (
        SiteProperty("initialized", value=True),
        SiteProperty("requireLogin", settings.require_login, "require_login"),
        SiteProperty("uiAllowNonAdminProjectCreation", settings.users_create_projects, "users_create_projects"),
        SiteProperty("securityAllowNonPrivateProjects", value=True),
        SiteProperty("enableCsrfToken", settings.csrf_token, "csrf_token"),
        SiteProperty("restrictUserListAccessToAdmins", settings.restrict_user_list, "restrict_user_list"),
        SiteProperty("checksums", value=True),
        SiteProperty("zipCompressionMethod", 0),
        SiteProperty("sessionTimeout", f"{settings.session_idle_minutes} minutes", "session_idle_minutes"),
        SiteProperty("aliasTokenTimeout", f"{settings.alias_token_hours} hours", "alias_token_hours"),
        SiteProperty("projectDefaultAccessibility", settings.default_accessibility, "default_accessibility"),
        SiteProperty(
            "concurrentMaxSessions", settings.sessions_per_user, "sessions_per_user", tier=Tier.ADMINISTRATORS
        ),
        SiteProperty("maxFailedLogins", settings.max_failed_logins, "max_failed_logins", tier=Tier.ADMINISTRATORS),
        SiteProperty(
            "maxFailedLoginsLockoutDuration",
            f"{settings.lockout_minutes} minutes",
            "lockout_minutes",
            tier=Tier.ADMINISTRATORS,
        ),
        SiteProperty("archivePath", str(settings.data_dir), "data", tier=Tier.ADMINISTRATORS),
    )


def create_app(archive: Archive, settings: Settings, processors: Processors | None = None) -> Router:
    """The ASGI application of an archive; shutting it down closes the archive.

    Its threads for small work are kept to the processor that is for it.
    """
    processors = processors or Processors()
    threads = Threads(
        processors,
        for_changes=Pool(settings.threads, "filmroom-change", processors.keep),
        for_reading=Pool(max(2, settings.threads // 2), "filmroom-read", processors.keep),
        for_passwords=Pool(_PASSWORD_THREADS, "filmroom-password", processors.use_all),
        for_health=Pool(_HEALTH_THREADS, "filmroom-health", processors.use_all),
    )
    site = Site(
        site_id=settings.site_id,
        root_path=settings.root_path,
        has_strict_uploads=settings.strict_uploads,
        requires_login=settings.require_login,
        checks_csrf=settings.csrf_token,
        trusted_proxies=read_networks(settings.trusted_proxies),
        accel_location=settings.accel_location,
        properties=_properties(settings),
    )

    @asynccontextmanager
    async def lifespan(_app: Router) -> AsyncIterator[None]:
        rounds = Rounds(archive.upkeep, interval=timedelta(minutes=settings.upkeep_minutes))
        rounds.start()
        yield
        rounds.close()
        threads.close()
        archive.close()

    # Every path is the endpoint's, which reads it raw: Starlette's own routes see it decoded.
    limits = BodyLimits(
        longest_bytes=settings.max_body_bytes,
        progress_seconds=settings.progress_seconds,
        uploads_per_user=settings.uploads_per_user,
    )
    endpoint = Endpoint(archive, site, threads, limits)
    return Router(default=endpoint, lifespan=lifespan, redirect_slashes=False)
