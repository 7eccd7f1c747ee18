"""Training, distillation and export of the networks. The only place in Similook that imports torch."""
