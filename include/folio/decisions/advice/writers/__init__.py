"""Writers of drafts: fixed sentences, or a language model."""
