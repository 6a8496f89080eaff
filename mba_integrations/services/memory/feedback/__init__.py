"""What the answers to past recalls used: judged here, kept in the log without the answers."""
