"""``make bench``: each figure of ours beside its limit or a peer, in the same run on the same servers."""
