"""The federation: parties, wire, record, protocols and the command."""
