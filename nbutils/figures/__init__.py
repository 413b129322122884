"""Pictures of the flow. Each file draws one chapter's subject and computes nothing of its own."""
