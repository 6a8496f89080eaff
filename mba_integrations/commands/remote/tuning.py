"""Settings that a server looks for in past recalls, as `service.tuning` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.remote.keeping import job_of
from mba_integrations.commands.remote.reading import read, read_all
from mba_integrations.services.store.rows.jobs import JobRow
from mba_integrations.services.store.rows.proposals import ProposalRow

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient


class RemoteTuning:
    """Tuning of a server's workspaces."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def run(self, workspace_id: str, *, trials: int, workers: int, seed: int) -> JobRow:
        """Have a job look for better settings."""
        told = self._client.tune(workspace_id, trials=trials, workers=workers, seed=seed)
        return job_of(told)

    def experiment(
        self, workspace_id: str, changes: Mapping[str, Any], *, share: float, recalls: int
    ) -> ProposalRow:
        """Have a share of the sessions decided under changed settings."""
        told = self._client.experiment(workspace_id, changes, share=share, recalls=recalls)
        return read(ProposalRow, told)

    def list(self, workspace_id: str) -> tuple[ProposalRow, ...]:
        """What was found, the latest first."""
        return read_all(ProposalRow, self._client.proposals(workspace_id))

    def get(self, workspace_id: str, proposal_id: str) -> ProposalRow:
        """One of them."""
        return read(ProposalRow, self._client.proposal(workspace_id, proposal_id))

    def apply(self, workspace_id: str, proposal_id: str, *, shadow: int, watch: int) -> ProposalRow:
        """Switch proposed settings on, in stages."""
        told = self._client.apply_proposal(workspace_id, proposal_id, shadow=shadow, watch=watch)
        return read(ProposalRow, told)

    def rollback(self, workspace_id: str, proposal_id: str) -> ProposalRow:
        """Take settings back."""
        return read(ProposalRow, self._client.take_proposal_back(workspace_id, proposal_id))
