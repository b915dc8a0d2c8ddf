"""The Slack app of the approvals service as a Prefect block: its tokens, kept by the server, shown by nobody.

Prefect gives the secrets of a block to any client that may use its API; no flow needs these, only the service.
"""

from typing import ClassVar, cast

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import Field, SecretStr

from gpmedic.access.slack import Slack
from gpmedic.errors import AccessRefused

DEFAULT = "gpmedic"


class SlackApp(Block):
    """One app in one workspace, made from deployments/slack-app-manifest.yaml."""

    _block_type_name: ClassVar[str] = "gpmedic Slack App"
    _block_type_slug: ClassVar[str] = "gpmedic-slack-app"
    _description: ClassVar[str] = "How gpmedic's approvals service talks to Slack."

    bot_token: SecretStr = Field(description="xoxb-...: posts and updates messages.")
    app_token: SecretStr | None = Field(default=None, description="xapp-...: Socket Mode; None for HTTP alone.")
    signing_secret: SecretStr | None = Field(default=None, description="For HTTP interactivity; None for Socket Mode.")
    api_url: str = Field(default="https://slack.com/api/", description="Another one only for practice.")

    def connect(self) -> Slack:
        """The app's hands in the workspace."""
        return Slack(self.bot_token.get_secret_value(), self.api_url)


def load_app(name: str = DEFAULT) -> SlackApp:
    """The app from its block on the Prefect server.

    Raises:
        AccessRefused: there is no such block.
    """
    try:
        return cast(SlackApp, SlackApp.load(name))
    except (ValueError, ObjectNotFound):
        raise AccessRefused(
            f"There is no block gpmedic-slack-app/{name} on the Prefect server.",
            "Save one with the app's tokens (docs/slack.md).",
        ) from None
