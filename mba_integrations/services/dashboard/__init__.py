"""The dashboard: a page that shows what fills the prompts, and what stays out and why."""
