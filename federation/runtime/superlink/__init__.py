"""The second runtime: the same apps on Flower's SuperLink and SuperNodes, over HTTPS on this machine's loopback."""
