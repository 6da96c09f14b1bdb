"""What is also sent to a host and run there: the standard library only, any Python from 3.6 on.

The same modules hash here what is streamed here, so that both ways give the same results.
"""
