"""Why does this build hit its cache on that machine and miss on this one?"""

__version__ = "0.1.0"
