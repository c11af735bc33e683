"""Every reader against files that were broken on the way: nothing but a result or one line of refusal.

`make test` runs a few examples of each; `make fuzz` runs many, with new seeds. RMSNET_FUZZ_EXAMPLES is how many of each
reader, RMSNET_FUZZ_SEED where they begin.
"""
