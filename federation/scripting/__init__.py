"""Code to data: an approved script runs at the department that holds the rows, and only a small table leaves."""
