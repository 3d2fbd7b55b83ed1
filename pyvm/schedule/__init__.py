"""Graph -> layers and slots of the residual stream: solver, shipped schedules, checker."""
