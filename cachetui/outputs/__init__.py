"""What came out: the files of images, gathered where they are and compared step by step.

`gather` asks a host for an image's configuration and the digests of its files, `attribute` says
which step made which layer, `compare` finds what differs, and `fetch` gets the one file that
someone opens.
"""
