"""The workstation: dataset, split, models, fit, evaluate, report, and the embedded sample."""
