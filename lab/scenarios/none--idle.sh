# Two hosts that do nothing
CAUSE=none EXAMINE=$S SECONDS=3
