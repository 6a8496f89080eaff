"""Whether other settings are proven better before they are switched on.

From the ground up: `outcomes` is what an allocation came to under a choice of settings; `split`
keeps the newer sessions for the proof; `bootstrap` gives an interval; `comparison` sets two choices
side by side; `verdict` answers.
"""
