"""What the book's build can do beside Jupyter Book's own; `_config.yml` names them."""
