"""A stand-in Slack for tests and drills: Web API, Socket Mode, signed requests, and the people who read and click."""

from gpmedic.practice.slack.workspace import PracticeSlack

__all__ = ["PracticeSlack"]
