"""Pictures that are kept: which, how, and which go when there is no room."""
