"""The app is installed with just the scopes with which every test of the service passes."""

from pathlib import Path

import yaml

from gpmedic.practice.slack.workspace import SCOPES

MANIFEST = Path(__file__).parent.parent / "deployments" / "slack-app-manifest.yaml"


def test_the_manifest_asks_for_what_the_service_needs_and_nothing_else() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert "user" not in manifest["oauth_config"]["scopes"]
    assert manifest["settings"]["socket_mode_enabled"]
    assert manifest["settings"]["interactivity"]["is_enabled"]
