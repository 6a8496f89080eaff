"""Settings learned from past recalls: looked for by a job, and switched on in stages."""
