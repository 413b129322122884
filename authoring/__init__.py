"""What makes the book, run from the repository's folder: ``python -m authoring.notebooks`` and so on."""
