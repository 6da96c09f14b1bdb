"""Build contexts: a folder in, a manifest, its digest and a tar out. What is sent is what either
builder would see."""
