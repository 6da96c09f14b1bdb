"""An audit: a build and hosts in, one `Document` out. It plans the runs, makes them on each host,
keeps them, tidies up behind them, and asks the rules why they differ."""
