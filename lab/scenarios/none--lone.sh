# A namespace with nothing in it but its loopback
CAUSE=none TOPOLOGY=lone EXAMINE=$S SECONDS=2
