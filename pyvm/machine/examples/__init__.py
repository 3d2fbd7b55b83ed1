"""Three machines that are worked out, each with a page beside it."""
