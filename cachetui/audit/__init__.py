"""An audit: a build and hosts in, one `Document` out. It plans the runs, makes them on each host,
keeps them, removes what they left, and asks the rules why they differ."""
