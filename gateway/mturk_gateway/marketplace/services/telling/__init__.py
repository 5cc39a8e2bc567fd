"""What requesters and workers are told, and whom a requester does not want."""
