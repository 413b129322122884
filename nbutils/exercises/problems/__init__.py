"""The exercises themselves: a folder for each chapter, in it a file for each exercise."""
