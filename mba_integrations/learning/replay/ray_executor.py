"""`RayExecutor`: records replayed by the workers of a Ray cluster.

Batches go to Ray as tasks, as many at a time as the cluster has processors and one more for
each; results come back in the order of the records.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.errors import MissingExtraError
from mba_integrations.learning.replay.executors import BATCH, batches, in_order, replay_batch
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import Replayed
from mba_integrations.learning.replay.settings import Settings


class RayExecutor:
    """Workers of a Ray cluster: of the one that is connected, else of one on this machine.

    Args:
        batch: Records that go to a worker at once, >= 1.

    Raises:
        MissingExtraError: If Ray is not installed.
    """

    def __init__(self, *, batch: int = BATCH) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("RayExecutor", extra="ray")
        self._batch = checked_whole("batch", batch, at_least=1)

    def replay(
        self, records: Iterable[ReplayRecord], settings: Settings = None
    ) -> Iterator[Replayed]:
        """See `Executor`."""
        import ray

        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False)
        task: Any = ray.remote(replay_batch)
        resources: Any = ray.cluster_resources  # Ray says nothing of its types
        yield from in_order(
            batches(records, self._batch),
            max(1, int(resources().get("CPU", 1))),
            send=lambda batch: task.remote(batch, settings),
            take=_taken,
            cancel=partial(ray.cancel, force=True),
        )


def _taken(reference: Any) -> Sequence[Replayed]:
    """The results of a batch; what it raised is raised as what it was."""
    import ray

    try:
        found: Sequence[Replayed] = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from error
    return found
