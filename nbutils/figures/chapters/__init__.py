"""Each file draws one chapter's subject with matplotlib and computes nothing of its own."""
