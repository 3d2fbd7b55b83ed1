"""Graph -> layers and slots of the residual stream: `Schedule`, solver, shipped results, checker."""
