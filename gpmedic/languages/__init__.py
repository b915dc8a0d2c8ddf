"""Reports, approvals and messages in the language of those who read them; commands and output stay as they are."""
