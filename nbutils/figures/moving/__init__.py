"""Pictures that can be moved: of each a Python, a JavaScript and often a CSS file of one name."""
