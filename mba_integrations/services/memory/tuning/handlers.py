"""The jobs of tuning. What they need is imported with the first of them, not with the service."""

from __future__ import annotations

from collections.abc import Mapping

from mba_integrations.services.memory.jobs.work import Handler, JobWork
from mba_integrations.services.memory.tuning import switching

KIND = "tune"


def handlers_by(token_counter: object) -> Mapping[str, Handler]:
    """Who does which kind of job, with what the service counts by; None for the settings' own."""

    def look_for_settings(work: JobWork) -> None:
        from mba_integrations.services.memory.tuning.job import tuning_by

        tuning_by(token_counter)(work)

    def look_at_stage(work: JobWork) -> None:
        from mba_integrations.services.memory.tuning.staging import staging_by

        staging_by(token_counter)(work)

    return {KIND: look_for_settings, switching.KIND: look_at_stage}
