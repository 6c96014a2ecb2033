"""Interactive explorers. Each has a static twin: the same picture without a kernel."""
