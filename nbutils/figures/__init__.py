"""Pictures of the flow: ``chapters`` draws each chapter's subject, ``moving`` has what can be moved."""
