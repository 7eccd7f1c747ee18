"""The commands of `similook`, one file per group. They import what they need when they run."""
