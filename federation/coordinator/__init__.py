"""The coordinator: job queue, sequencer, control socket, and the Flower ServerApp."""
