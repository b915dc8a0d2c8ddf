"""What people see in Slack, and what they may decide there; the talking is done in `gpmedic.access.slack`."""
