"""The approvals service: tells incidents in Slack and takes decisions there. It reads Prefect, and never a cluster."""
