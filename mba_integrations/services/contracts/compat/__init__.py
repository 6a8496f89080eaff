"""What clients of others send and what they expect: `mem0`, `langgraph`."""
