"""The daemon's configuration: one TOML file, every key optional, checked whole."""
