"""What came out: a host's image goes in, the digests of its files and how two images differ come
out. `gather_contents` asks a host, `attribute` says which step made which layer, `compare` finds
what differs, and `fetch` gets the one file that someone opens."""
