"""Settings learned from past recalls; of both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, cast

from mba_integrations.services.client.endpoints import of
from mba_integrations.services.client.requests import Request, given, got, part, posted

Reply = dict[str, Any]


def _run(workspace_id: str, more: Reply, key: str | None) -> Request:
    return posted(of(workspace_id, "tuning"), given(more), key=key)


def _try(workspace_id: str, changes: Mapping[str, Any], more: Reply, key: str | None) -> Request:
    body = {"changes": dict(changes), **given(more)}
    return posted(of(workspace_id, "tuning", "experiments"), body, key=key)


def _one(workspace_id: str, proposal_id: str) -> Request:
    return got(of(workspace_id, "tuning", part(proposal_id)))


def _apply(workspace_id: str, proposal_id: str, more: Reply, key: str | None) -> Request:
    return posted(of(workspace_id, "tuning", part(proposal_id), "apply"), given(more), key=key)


def _back(workspace_id: str, proposal_id: str, key: str | None) -> Request:
    return posted(of(workspace_id, "tuning", part(proposal_id), "rollback"), {}, key=key)


class TuningCalls(ABC):
    """What `MbaClient` asks about settings that are looked for in past recalls."""

    @abstractmethod
    def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    def tune(
        self,
        workspace_id: str,
        *,
        trials: int | None = None,
        workers: int | None = None,
        seed: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Have a job look for better settings; gives the job, whose id what it finds has too."""
        more = {"trials": trials, "workers": workers, "seed": seed}
        return cast(Reply, self.send(_run(workspace_id, more, key)))

    def experiment(
        self,
        workspace_id: str,
        changes: Mapping[str, Any],
        *,
        share: float | None = None,
        recalls: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Have a share of the sessions decided under changed settings, and compare both arms."""
        more = {"share": share, "recalls": recalls}
        return cast(Reply, self.send(_try(workspace_id, changes, more, key)))

    def proposals(self, workspace_id: str) -> list[Reply]:
        """What was found, the latest first."""
        return cast(list[Reply], self.send(got(of(workspace_id, "tuning")))["proposals"])

    def proposal(self, workspace_id: str, proposal_id: str) -> Reply:
        """What one job found, and where it stands."""
        return cast(Reply, self.send(_one(workspace_id, proposal_id)))

    def apply_proposal(
        self,
        workspace_id: str,
        proposal_id: str,
        *,
        shadow: int | None = None,
        watch: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Switch proposed settings on, in stages."""
        more = {"shadow": shadow, "watch": watch}
        return cast(Reply, self.send(_apply(workspace_id, proposal_id, more, key)))

    def take_proposal_back(
        self, workspace_id: str, proposal_id: str, *, key: str | None = None
    ) -> Reply:
        """Take settings back, whatever stage they are at."""
        return cast(Reply, self.send(_back(workspace_id, proposal_id, key)))


class AsyncTuningCalls(ABC):
    """The same of `AsyncMbaClient`."""

    @abstractmethod
    async def send(self, request: Request) -> Any:
        """Send a request; gives the JSON of the answer."""

    async def tune(
        self,
        workspace_id: str,
        *,
        trials: int | None = None,
        workers: int | None = None,
        seed: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Have a job look for better settings; gives the job, whose id what it finds has too."""
        more = {"trials": trials, "workers": workers, "seed": seed}
        return cast(Reply, await self.send(_run(workspace_id, more, key)))

    async def experiment(
        self,
        workspace_id: str,
        changes: Mapping[str, Any],
        *,
        share: float | None = None,
        recalls: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Have a share of the sessions decided under changed settings, and compare both arms."""
        more = {"share": share, "recalls": recalls}
        return cast(Reply, await self.send(_try(workspace_id, changes, more, key)))

    async def proposals(self, workspace_id: str) -> list[Reply]:
        """What was found, the latest first."""
        return cast(list[Reply], (await self.send(got(of(workspace_id, "tuning"))))["proposals"])

    async def proposal(self, workspace_id: str, proposal_id: str) -> Reply:
        """What one job found, and where it stands."""
        return cast(Reply, await self.send(_one(workspace_id, proposal_id)))

    async def apply_proposal(
        self,
        workspace_id: str,
        proposal_id: str,
        *,
        shadow: int | None = None,
        watch: int | None = None,
        key: str | None = None,
    ) -> Reply:
        """Switch proposed settings on, in stages."""
        more = {"shadow": shadow, "watch": watch}
        return cast(Reply, await self.send(_apply(workspace_id, proposal_id, more, key)))

    async def take_proposal_back(
        self, workspace_id: str, proposal_id: str, *, key: str | None = None
    ) -> Reply:
        """Take settings back, whatever stage they are at."""
        return cast(Reply, await self.send(_back(workspace_id, proposal_id, key)))
